//! What is written into as it stands: a device, a pipe, what this process has open already. What went there cannot
//! be taken back, and whoever is to read it may not come, or may stop.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use super::name::{LINKS, node, or_here};

/// How long those are waited for who read what is written into a pipe or to a terminal.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For somebody to open a pipe, and then as long as nothing is taken out of it.
    pub limit: Duration,
    /// Whether nothing is waited for any more: the user has asked for an end.
    pub given_up: fn() -> bool,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            limit: Duration::from_secs(30),
            given_up: || false,
        }
    }
}

impl Patience {
    /// Whether to go on with what has been waited for since then.
    fn lasts(&self, since: Instant, whose: &str) -> io::Result<()> {
        if (self.given_up)() {
            let message = format!("interrupted while {whose}");
            return Err(io::Error::other(message));
        }
        if since.elapsed() >= self.limit {
            let message = format!("{whose} for {:?}", self.limit);
            return Err(io::Error::new(ErrorKind::TimedOut, message));
        }
        Ok(())
    }
}

/// The time between two looks at whether to go on waiting.
const GLANCE: Duration = Duration::from_millis(20);

/// What a pipe takes without waiting if it takes anything (`PIPE_BUF` of Linux; POSIX has at least 512).
const PIECE: usize = 4096;

/// Something that is open to be written at its end.
#[derive(Debug)]
pub(super) struct Stream(File);

impl Stream {
    /// Opens what [`is_stream`], and asks it whether it takes anything at all: a device that is full says so. A pipe is
    /// open when somebody reads it, who has time from `since` on.
    ///
    /// # Errors
    /// It cannot be opened, takes nothing, or nobody reads it.
    pub fn open(path: &Path, patience: &Patience, since: Instant) -> io::Result<Self> {
        loop {
            match open(path) {
                Err(error) if unread(path, &error) => {
                    patience.lasts(since, "nobody read this pipe")?;
                    std::thread::sleep(GLANCE);
                }
                opened => {
                    let mut file = opened?;
                    // Nothing is written by that.
                    file.write(&[]).map(drop)?;
                    return Ok(Self(file));
                }
            }
        }
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// It cannot be written, or nothing is taken for too long. Some of it may be written.
    pub fn write(&mut self, contents: &[u8], patience: &Patience) -> io::Result<()> {
        let mut rest = contents;
        let mut since = Instant::now();
        while !rest.is_empty() {
            let written = match ready(&self.0)? {
                true => self.0.write(rest.get(..PIECE).unwrap_or(rest)),
                false => Err(ErrorKind::Interrupted.into()),
            };
            match written {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    rest = rest.get(count..).unwrap_or_default();
                    since = Instant::now();
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(GLANCE),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            patience.lasts(since, "its reader took nothing")?;
        }
        Ok(())
    }
}

/// Opens without waiting for anybody.
fn open(path: &Path) -> io::Result<File> {
    if let Some(stream) = standard(&fs::metadata(path)?) {
        return Ok(stream);
    }
    let mut options = OpenOptions::new();
    options.append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    options.open(path)
}

/// Whether it was not opened because it is a pipe that nobody reads.
#[cfg(unix)]
fn unread(path: &Path, error: &io::Error) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    let nobody = rustix::io::Errno::NXIO.raw_os_error();
    error.raw_os_error() == Some(nobody)
        && fs::metadata(path).is_ok_and(|about| about.file_type().is_fifo())
}

#[cfg(not(unix))]
fn unread(_: &Path, _: &io::Error) -> bool {
    false
}

/// Whether a piece can be written at once, or an error be had; looked at for a moment.
#[cfg(unix)]
fn ready(file: &File) -> io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let moment = Timespec {
        tv_sec: 0,
        tv_nsec: GLANCE.subsec_nanos().into(),
    };
    let mut asked = [PollFd::new(file, PollFlags::OUT)];
    match poll(&mut asked, Some(&moment)) {
        Ok(count) => Ok(count > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(unix))]
fn ready(_: &File) -> io::Result<bool> {
    Ok(true)
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

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn streams() {
        assert!(is_stream(Path::new("/dev/null")));
        assert!(!is_stream(Path::new(file!())));
        assert!(!is_stream(Path::new("/no/such/file")));
    }
}
