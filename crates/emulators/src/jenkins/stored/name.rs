//! A job's full name from where its file lies below Jenkins' home.

use std::path::{Component, Path};

/// The folders in which Jenkins keeps what is inside a folder or a multibranch project.
const HOLDERS: [&str; 2] = ["jobs", "branches"];

/// `jobs/A/jobs/B/config.xml` gives `A/B`; any other `config.xml` the name of its folder, any other
/// file its own without the extension.
pub fn job_name(file: &Path) -> String {
    // A path that cannot be completed is taken as it is.
    let whole = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    if whole.file_name().is_none_or(|name| name != "config.xml") {
        let stem = whole.file_stem().unwrap_or_default();
        return stem.to_string_lossy().into_owned();
    }
    let folders: Vec<_> = whole
        .parent()
        .into_iter()
        .flat_map(Path::components)
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_string_lossy()),
            _ => None,
        })
        .collect();
    let mut names: Vec<&str> = folders
        .rchunks(2)
        .map_while(|pair| match pair {
            [holder, name] if HOLDERS.contains(&holder.as_ref()) => Some(name.as_ref()),
            _ => None,
        })
        .collect();
    names.reverse();
    match (names.is_empty(), folders.last()) {
        (true, Some(folder)) => folder.clone().into_owned(),
        (true, None) => "config".to_owned(),
        (false, _) => names.join("/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_place() {
        let cases = [
            ("/var/jenkins_home/jobs/A/jobs/B/config.xml", "A/B"),
            ("/var/jenkins_home/jobs/A/config.xml", "A"),
            ("jobs/A/jobs/B/config.xml", "A/B"),
            ("/h/jobs/A/branches/main/config.xml", "A/main"),
            ("/h/jobs/jobs/jobs/x/config.xml", "jobs/x"),
            ("/tmp/deploy/config.xml", "deploy"),
            ("/tmp/deploy.xml", "deploy"),
            ("deploy", "deploy"),
            ("/config.xml", "config"),
        ];
        for (file, expected) in cases {
            assert_eq!(job_name(Path::new(file)), expected, "{file}");
        }
    }
}
