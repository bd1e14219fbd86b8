//! What a party's process is started with.

use std::path::PathBuf;
use std::time::Duration;

use super::log::Level;
use crate::files::Format;

/// The options of one connected party.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who this is.
    pub name: String,
    /// The file with names, addresses and certificates.
    pub peers: PathBuf,
    /// This party's private key; by default `NAME.key` beside the peers' file.
    pub key: Option<PathBuf>,
    /// Where to listen, if not at this party's address in the peers' file.
    pub listen: Option<String>,
    /// The folder with the party's own folder of inputs. Nothing else in it is read.
    pub inputs: PathBuf,
    /// The folder for the party's folder of outputs.
    pub outputs: Option<PathBuf>,
    /// Of the outputs.
    pub format: Format,
    /// Values of parameters.
    pub set: Vec<(String, String)>,
    /// Makes keys reproducible, and so worthless: for tests.
    pub seed: Option<u64>,
    /// How long peers may take to be there.
    pub wait: Duration,
    /// How long a peer may be silent.
    pub timeout: Duration,
    /// How long one message of a peer that lives is waited for, while no other peer goes on either.
    pub limit: Duration,
    /// What was read before: the script, what it uses, its scheme. Nothing is written there.
    pub reads: Vec<PathBuf>,
    /// Where counts and times are written.
    pub metrics: Option<PathBuf>,
    /// What is told on the terminal.
    pub log: Level,
    /// Prepared material to use up.
    pub prepared: Option<PathBuf>,
    /// The key it was sealed under; by default `NAME.store` beside the peers' file.
    pub store: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: String::new(),
            peers: PathBuf::new(),
            key: None,
            listen: None,
            inputs: PathBuf::from("inputs"),
            outputs: None,
            format: Format::default(),
            set: vec![],
            seed: None,
            reads: vec![],
            wait: Duration::from_secs(300),
            timeout: Duration::from_secs(30),
            limit: Duration::from_secs(3600),
            metrics: None,
            log: Level::Info,
            prepared: None,
            store: None,
        }
    }
}

impl Options {
    /// Sets the option of this name, as the command line writes it, to the value it has there.
    ///
    /// # Errors
    /// The value cannot be read, or there is no such option.
    pub fn set_option(&mut self, name: &str, value: String) -> Result<(), String> {
        match name {
            "--peers" => self.peers = PathBuf::from(value),
            "--key" => self.key = Some(PathBuf::from(value)),
            "--listen" => self.listen = Some(value),
            "--wait" => self.wait = duration(&value)?,
            "--timeout" => self.timeout = silence(&value)?,
            "--limit" => self.limit = silence(&value)?,
            "--metrics" => self.metrics = Some(PathBuf::from(value)),
            "--log" => self.log = value.parse()?,
            "--prepared" => self.prepared = Some(PathBuf::from(value)),
            "--store" => self.store = Some(PathBuf::from(value)),
            _ => return Err(format!("there is no option `{name}`")),
        }
        Ok(())
    }

    /// The key that prepared material is sealed under.
    pub fn store(&self) -> PathBuf {
        self.store
            .clone()
            .unwrap_or_else(|| self.peers.with_file_name(format!("{}.store", self.name)))
    }
}

/// Reads `500ms`, `30s`, `5m`, `2h`, or a number of seconds.
///
/// # Errors
/// It is none of these, or zero.
pub fn duration(text: &str) -> Result<Duration, String> {
    let fail = || format!("`{text}` is no time: expected one such as 30s, 5m or 500ms");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| fail())?;
    let time = match &text[digits.len()..] {
        "ms" => Some(Duration::from_millis(number)),
        "" | "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(3600).map(Duration::from_secs),
        _ => None,
    };
    // A limit that the clock cannot add up is no limit.
    let most = Duration::from_secs(365 * 86_400);
    time.filter(|time| !time.is_zero())
        .map(|time| time.min(most))
        .ok_or_else(fail)
}

/// Heartbeats come every quarter of a second, and a busy machine sends them late.
const SHORTEST: Duration = Duration::from_secs(1);

/// As [`duration`], for how long a peer may be silent, or one message of it may be waited for.
///
/// # Errors
/// As [`duration`], or it is less than a second.
pub fn silence(text: &str) -> Result<Duration, String> {
    let time = duration(text)?;
    if time < SHORTEST {
        return Err(format!("`{text}` is too short: a peer has 1s at least"));
    }
    Ok(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let read = |text| duration(text).map(|time| time.as_millis());
        assert_eq!(read("500ms"), Ok(500));
        assert_eq!(read("30s"), Ok(30_000));
        assert_eq!(read("30"), Ok(30_000));
        assert_eq!(read("5m"), Ok(300_000));
        assert!(read("18446744073709551615h").is_err());
        assert_eq!(silence("1s"), Ok(SHORTEST));
        assert!(silence("999ms").is_err());
        for wrong in ["", "s", "-1s", "1.5s", "1 s", "0s", "3d"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
