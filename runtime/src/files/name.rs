//! What a path names: by links, dots and second names two paths may name one file, and a path may lead to
//! something that is no file, or that is open already.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Links to nothing that are followed.
const LINKS: usize = 40;

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
type Node = (u64, u64);

#[cfg(unix)]
fn node(about: &fs::Metadata) -> Option<Node> {
    use std::os::unix::fs::MetadataExt as _;
    Some((about.dev(), about.ino()))
}

#[cfg(not(unix))]
fn node(_: &fs::Metadata) -> Option<Node> {
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

fn or_here(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    }
}

/// Whether what a path names is written into as it stands: a device, a pipe, what this process has open under
/// another name (`/dev/stdout`), or the file that it prints to. A new file in its place would not get there.
pub(super) fn is_stream(path: &Path) -> bool {
    let Ok(about) = fs::metadata(path) else {
        return false;
    };
    !about.is_file() || leads_through_a_descriptor(path) || standard(&about).is_some()
}

fn leads_through_a_descriptor(path: &Path) -> bool {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let folder = path.parent().map(or_here);
        let folder = folder.and_then(|folder| folder.canonicalize().ok());
        let open = |folder: &Path| folder.starts_with("/proc") || folder == Path::new("/dev/fd");
        if folder.is_some_and(|folder| open(&folder)) {
            return true;
        }
        match fs::read_link(&path) {
            Ok(target) => path = path.with_file_name("").join(target),
            Err(_) => return false,
        }
    }
    false
}

/// This process's own stream, if that is what is meant: what is written there by several names must not be
/// written one over the other.
#[cfg(unix)]
fn standard(about: &fs::Metadata) -> Option<File> {
    use std::os::fd::AsFd as _;
    let own = [
        io::stdout().as_fd().try_clone_to_owned(),
        io::stderr().as_fd().try_clone_to_owned(),
    ];
    let mut own = own.into_iter().flatten().map(File::from);
    own.find(|stream| {
        stream
            .metadata()
            .is_ok_and(|open| node(&open) == node(about))
    })
}

#[cfg(not(unix))]
fn standard(_: &fs::Metadata) -> Option<File> {
    None
}

/// Opens what [`is_stream`] to write at its end.
///
/// # Errors
/// It cannot be opened.
pub(super) fn open_stream(path: &Path) -> io::Result<File> {
    match standard(&fs::metadata(path)?) {
        Some(stream) => Ok(stream),
        None => OpenOptions::new().append(true).open(path),
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

    #[test]
    fn streams() {
        assert!(is_stream(Path::new("/dev/null")));
        assert!(!is_stream(Path::new(file!())));
        assert!(!is_stream(Path::new("/no/such/file")));
    }
}
