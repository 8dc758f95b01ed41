//! Where a URL points, compared as connections are matched: scheme, host and port equal, path by
//! whole normalised segments (contract §0.19).

use url::Url;

/// Scheme, host, port and path of an HTTP URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    origin: String,
    segments: Vec<String>,
}

/// Why a URL is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// It is not a URL.
    #[error("not a URL: {0}")]
    NotAUrl(String),
    /// Another scheme.
    #[error("expected http:// or https://, found {0}")]
    Scheme(String),
    /// It holds a name or password.
    #[error("a URL must not hold a user name or password; send a header instead")]
    UserInfo,
    /// It holds a backslash, which servers read differently.
    #[error("a URL must not hold a backslash")]
    Backslash,
    /// It holds `.` or `..` as a segment.
    #[error("a URL's path must not hold the segments . or ..")]
    DotSegment,
    /// It holds blanks or control characters.
    #[error("a URL must not hold blanks or control characters")]
    Blank,
}

impl Place {
    /// Where `text` points.
    ///
    /// # Errors
    /// Where it is no HTTP URL, or one that servers could read in two ways.
    pub fn parse(text: &str) -> Result<Self, PlaceError> {
        if text.chars().any(|c| c.is_control() || c == ' ') {
            return Err(PlaceError::Blank);
        }
        let before_query = text.split(['?', '#']).next().unwrap_or_default();
        if before_query.contains('\\') {
            return Err(PlaceError::Backslash);
        }
        let url = Url::parse(text).map_err(|error| PlaceError::NotAUrl(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(PlaceError::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() || has_user_info(before_query) {
            return Err(PlaceError::UserInfo);
        }
        if before_query.split('/').skip(3).any(is_dot_segment) {
            return Err(PlaceError::DotSegment);
        }
        let segments = url.path().split('/').filter(|segment| !segment.is_empty());
        Ok(Self {
            origin: url.origin().ascii_serialization(),
            segments: segments.map(normal_segment).collect(),
        })
    }

    /// Scheme, host and port, as destinations are named: `https://ci.example.com:8443`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether calls to `other` belong to this place.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.origin == other.origin && other.segments.starts_with(&self.segments)
    }

    /// How exact it is: of several places that cover a URL the one with the longest path counts.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.segments.len()
    }
}

fn has_user_info(text: &str) -> bool {
    text.split('/')
        .nth(2)
        .is_some_and(|authority| authority.contains('@'))
}

fn is_dot_segment(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    plain == "." || plain == ".."
}

/// Percent-encoding of unreserved characters is spelling only.
fn normal_segment(segment: &str) -> String {
    let decoded = percent_encoding::percent_decode_str(segment).decode_utf8_lossy();
    decoded.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Place {
        Place::parse(text).unwrap()
    }

    #[test]
    fn covers_whole_segments_of_the_same_origin_only() {
        let jenkins = place("https://ci.example.com/jenkins");
        for (url, covered) in [
            (
                "https://ci.example.com/jenkins/generic-webhook-trigger/invoke?token=x",
                true,
            ),
            ("https://CI.example.com:443/jenkins", true),
            ("https://ci.example.com/j%65nkins/x", true),
            ("https://ci.example.com/jenkins2/x", false),
            ("https://ci.example.com/", false),
            ("http://ci.example.com/jenkins", false),
            ("https://ci.example.com:8443/jenkins", false),
            ("https://ci.example.com.evil.example/jenkins", false),
        ] {
            assert_eq!(jenkins.covers(&place(url)), covered, "{url}");
        }
    }

    #[test]
    fn refuses_what_two_servers_could_read_differently() {
        for (url, error) in [
            ("https://user@ci.example.com/", PlaceError::UserInfo),
            ("https://@ci.example.com/", PlaceError::UserInfo),
            (
                "https://ci.example.com\\@evil.example/",
                PlaceError::Backslash,
            ),
            ("https://ci.example.com/a/../b", PlaceError::DotSegment),
            ("https://ci.example.com/a/%2e%2E/b", PlaceError::DotSegment),
            ("https://ci.example.com/a b", PlaceError::Blank),
            ("https://ci.example.com/a\r\nHost: x", PlaceError::Blank),
            ("ftp://ci.example.com/", PlaceError::Scheme("ftp".into())),
        ] {
            assert_eq!(Place::parse(url), Err(error), "{url}");
        }
        assert!(matches!(
            Place::parse("/relative"),
            Err(PlaceError::NotAUrl(_))
        ));
    }
}
