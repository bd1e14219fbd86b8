//! A bar for what takes longer than two seconds, on a terminal only.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Shorter work shows nothing.
const PATIENCE: Duration = Duration::from_secs(2);

/// Progress of a run.
pub struct Bar {
    started: Instant,
    shown: OnceLock<ProgressBar>,
}

impl Bar {
    /// Starts the clock.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            shown: OnceLock::new(),
        })
    }

    /// Takes the bar off the terminal.
    pub fn finish(&self) {
        if let Some(bar) = self.shown.get() {
            bar.finish_and_clear();
        }
    }
}

impl smpc_interp::Progress for Bar {
    fn at(&self, done: u64, total: u64) {
        if self.started.elapsed() < PATIENCE {
            return;
        }
        let bar = self.shown.get_or_init(|| {
            // indicatif hides it where standard error is no terminal.
            let target = ProgressDrawTarget::stderr_with_hz(5);
            let bar = ProgressBar::with_draw_target(Some(total), target);
            let layout = "{elapsed} {bar:32} {percent}% {per_sec}, {eta} left";
            if let Ok(style) = ProgressStyle::with_template(layout) {
                bar.set_style(style);
            }
            bar
        });
        bar.set_length(total);
        bar.set_position(done.min(total));
    }
}
