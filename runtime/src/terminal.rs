//! The streams of a process. What cannot be written there is told or let go; it is never a reason to panic.

use std::io::{self, ErrorKind, Write as _};

use crate::files::Problem;

/// Writes to standard output.
///
/// # Errors
/// As [`printed`].
pub fn print(text: &str) -> Result<(), Problem> {
    let mut out = io::stdout().lock();
    printed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Whether what was written to standard output is there, or nobody wants it: a reader that has seen enough
/// (`| head`) closes the pipe, which is its right.
///
/// # Errors
/// `I15`: what was to be told is lost, for instance because a disk is full.
pub fn printed(written: io::Result<()>) -> Result<(), Problem> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let message = format!("standard output cannot be written: {error}");
            let help = "what was to be told there is lost";
            Err(Problem::new("I15", message, "").help(help))
        }
        _ => Ok(()),
    }
}

/// Writes to the error stream. If that cannot be written, there is nobody left to tell.
pub fn tell(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_has_seen_enough_is_no_error() {
        assert_eq!(printed(Ok(())), Ok(()));
        assert_eq!(printed(Err(ErrorKind::BrokenPipe.into())), Ok(()));
        let full = printed(Err(ErrorKind::StorageFull.into()));
        assert_eq!(full.map_err(|problem| problem.code), Err("I15"));
    }
}
