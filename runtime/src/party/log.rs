//! What a party tells about a run while it goes on: who is connected, phases, counts. Never a value.

use std::str::FromStr;

use tracing::level_filters::LevelFilter;

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Nothing.
    Off,
    /// What ended the run.
    Error,
    /// What may be a mistake.
    Warn,
    /// Connections and phases.
    Info,
    /// More of it.
    Debug,
    /// All of it.
    Trace,
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            "error" => Ok(Self::Error),
            "warn" => Ok(Self::Warn),
            "info" => Ok(Self::Info),
            "debug" => Ok(Self::Debug),
            "trace" => Ok(Self::Trace),
            _ => Err(format!(
                "`{text}` is no level: there are off, error, warn, info, debug and trace"
            )),
        }
    }
}

/// Events go to the terminal's error stream from here on. If the program has a subscriber of its
/// own, that one stays.
pub(super) fn start(level: Level) {
    let filter = match level {
        Level::Off => LevelFilter::OFF,
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        // What a full disk or a closed terminal keeps from being told would be told there once more, and a failure
        // of that would end this party.
        .log_internal_errors(false)
        .with_target(false)
        .finish();
    let _ = tracing::subscriber::set_global_default(subscriber);
}
