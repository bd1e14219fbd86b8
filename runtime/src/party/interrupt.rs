//! Ctrl-C, and the system's request to end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use crate::net::Aborter;

/// The code of a run that was interrupted.
pub(super) const INTERRUPTED: &str = "I45";

/// The exit code of a process that was.
pub(super) const EXIT: u8 = 130;

/// Long enough for a party that computes to get to its next message, and for peers to be told.
const GRACE: Duration = Duration::from_secs(10);

static INTERRUPT: AtomicBool = AtomicBool::new(false);
static HANDLER: Once = Once::new();
static CURRENT: Mutex<Option<Aborter>> = Mutex::new(None);

/// Ends what `aborter` is for when the user asks for it. A second request ends the process at once.
pub(super) fn watch(aborter: &Aborter) {
    *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = Some(aborter.clone());
    HANDLER.call_once(|| {
        // A program that has a handler of its own keeps it, and ends as it likes.
        let _ = ctrlc::set_handler(|| {
            if INTERRUPT.swap(true, Ordering::SeqCst) {
                std::process::exit(EXIT.into());
            }
            if let Some(aborter) = &*CURRENT.lock().unwrap_or_else(PoisonError::into_inner) {
                aborter.abort(INTERRUPTED, "");
            }
            std::thread::spawn(|| {
                std::thread::sleep(GRACE);
                std::process::exit(EXIT.into());
            });
        });
    });
}

/// Whether the user has asked.
pub(super) fn asked() -> bool {
    INTERRUPT.load(Ordering::SeqCst)
}
