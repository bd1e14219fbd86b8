//! What a path names: by links, dots and second names two paths may name one file.

use std::fs;
use std::path::{Path, PathBuf};

/// Links that are followed.
pub(super) const LINKS: usize = 40;

/// A file, by its path without links and dots and by its place on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    path: PathBuf,
    node: Option<Node>,
}

impl Name {
    pub fn of(path: &Path) -> Self {
        let about = fs::metadata(path).ok().filter(fs::Metadata::is_file);
        Self {
            path: resolved(path),
            node: about.and_then(|about| node(&about)),
        }
    }

    /// Whether both name one file.
    pub fn is(&self, other: &Self) -> bool {
        self.path == other.path || self.node.is_some() && self.node == other.node
    }
}

/// Device and number on it.
pub(super) type Node = (u64, u64);

#[cfg(unix)]
pub(super) fn node(about: &fs::Metadata) -> Option<Node> {
    use std::os::unix::fs::MetadataExt as _;
    Some((about.dev(), about.ino()))
}

#[cfg(not(unix))]
pub(super) fn node(_: &fs::Metadata) -> Option<Node> {
    None
}

/// A path without links and dots, as far as what it names is there. A link to nothing names what would be there.
pub(super) fn resolved(path: &Path) -> PathBuf {
    follow(path, LINKS)
}

fn follow(path: &Path, links: usize) -> PathBuf {
    if let Ok(whole) = path.canonicalize() {
        return whole;
    }
    if let (Ok(target), Some(links)) = (fs::read_link(path), links.checked_sub(1)) {
        return follow(&path.with_file_name("").join(target), links);
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return path.to_owned();
    };
    follow(or_here(folder), links).join(name)
}

/// The folder that a path without one stands in.
pub(super) fn or_here(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn one_file_by_many_names() {
        let base = std::env::temp_dir().join(format!("smpc-name-{}", std::process::id()));
        let _ = fs::remove_dir_all(&base);
        fs::create_dir_all(base.join("a")).unwrap();
        fs::write(base.join("x"), "").unwrap();
        fs::write(base.join("y"), "").unwrap();
        symlink("x", base.join("link")).unwrap();
        symlink("../new", base.join("a/nothing")).unwrap();
        symlink("round", base.join("round")).unwrap();
        symlink(".", base.join("here")).unwrap();
        fs::hard_link(base.join("x"), base.join("second")).unwrap();
        let name = |path: &str| Name::of(&base.join(path));
        for one in ["x", "a/../x", "link", "here/here/x", "second"] {
            assert!(name(one).is(&name("x")), "{one}");
            assert!(!name(one).is(&name("y")), "{one}");
        }
        for one in ["new", "a/nothing", "a/../new", "here/new"] {
            assert!(name(one).is(&name("new")), "{one}");
            assert!(!name(one).is(&name("a/new")), "{one}");
        }
        assert!(!name("round").is(&name("new")));
        fs::remove_dir_all(base).unwrap();
    }
}
