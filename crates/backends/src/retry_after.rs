//! The `Retry-After` header: seconds, or a date in one of HTTP's three forms.

use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use longshore_domain::time::Timestamp;

/// The longest wait that a receiver can ask for.
pub const MAX_RETRY_AFTER: Duration = Duration::from_hours(24);

/// The shortest wait: what uses up no attempt must not be asked again at once.
pub const MIN_RETRY_AFTER: Duration = Duration::from_secs(1);

/// How long the receiver asks to wait, from [`MIN_RETRY_AFTER`] to [`MAX_RETRY_AFTER`]; `None`
/// where the header is missing or cannot be read.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are more than the longest wait.
        text.parse().map_or(MAX_RETRY_AFTER, Duration::from_secs)
    } else {
        http_date(text)?.since(now)
    };
    Some(wait.clamp(MIN_RETRY_AFTER, MAX_RETRY_AFTER))
}

/// RFC 9110 §5.6.7: the preferred form and the two obsolete ones, all in GMT.
fn http_date(text: &str) -> Option<Timestamp> {
    let forms = [
        "%a, %d %b %Y %H:%M:%S GMT",
        "%A, %d-%b-%y %H:%M:%S GMT",
        "%a %b %e %H:%M:%S %Y",
    ];
    let parsed = forms
        .iter()
        .find_map(|form| DateTime::strptime(form, text).ok())?;
    let instant = parsed.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(Timestamp::from_micros(instant.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read_and_bounded() {
        // 1994-11-06T08:49:37Z is the date of RFC 9110's examples.
        let now = Timestamp::from_micros(784_111_777_000_000);
        let table: [(&str, Option<u64>); 19] = [
            ("120", Some(120)),
            (" 120 ", Some(120)),
            ("0", Some(1)),
            ("86400", Some(86_400)),
            ("86401", Some(86_400)),
            ("99999999999999999999999", Some(86_400)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60)),
            ("Sun Nov  6 08:50:37 1994", Some(60)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(1)),
            ("Sat, 05 Nov 1994 08:49:37 GMT", Some(1)),
            ("Sun, 06 Nov 2094 08:49:37 GMT", None), // was a Saturday
            ("Sat, 06 Nov 2094 08:49:37 GMT", Some(86_400)),
            ("", None),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("2026-01-02T03:04:05Z", None),
            ("Sun, 06 Nov 1994 25:49:37 GMT", None),
        ];
        for (text, seconds) in table {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(retry_after(&headers, now), expected, "{text:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
