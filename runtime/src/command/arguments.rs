//! What a compiled program is told on its command line.

use std::collections::HashSet;
use std::path::PathBuf;

use crate::files::Format;
#[cfg(feature = "net")]
use crate::party;

/// What the command line asks for.
#[derive(Debug)]
pub(super) enum Asked {
    /// A run.
    Run(Box<Arguments>),
    /// The options.
    Help,
    /// What this is a program of.
    Version,
}

/// The arguments.
#[derive(Debug)]
pub(super) struct Arguments {
    pub local: bool,
    pub raw: bool,
    pub json: bool,
    pub inputs: PathBuf,
    pub outputs: Option<PathBuf>,
    pub format: Format,
    pub seed: Option<u64>,
    pub set: Vec<(String, String)>,
    #[cfg(feature = "net")]
    pub party: Option<party::Options>,
}

/// What `--help` prints.
pub const USAGE: &str = "\
Usage: PROGRAM PARTY --peers FILE [OPTIONS]    be one party, connected to the others
       PROGRAM --local [OPTIONS]               carry out every party in this process

Options, each once, as `--name value` or `--name=value`:
  --inputs DIR      folder with PARTY/NAME.csv|npy|json [default: inputs]
  --outputs DIR     write what is handed out to DIR/PARTY/NAME.csv
  --format FORMAT   of these files: csv, npy or json [default: csv]
  --set NAME=VALUE  value of a parameter; may be repeated
  --seed N          make the run reproducible, for tests; without it, keys come from the operating system
  --raw             print elements as integers: fixed point in units of 2^-64
  --json            print one JSON document instead of text, also for errors
  -h, --help        print this
  -V, --version     print the script's name, its scheme and the version of smpc

Options of a connected party:
  --peers FILE      names, addresses and certificates of all parties
  --key FILE        this party's private key [default: PARTY.key beside the peers]
  --listen ADDRESS  where to listen, if not at the address in the peers' file
  --wait TIME       for the peers to be there: 30s, 5m [default: 5m]
  --timeout TIME    silence after which a peer is given up, 1s or more [default: 30s]
  --limit TIME      how long one message of a peer that lives is waited for [default: 1h]
  --metrics FILE    write counts and times, as JSON
  --log LEVEL       off, error, warn, info, debug or trace, to the terminal [default: info]
  --prepared FILE   use up what `smpc prepare` stored
  --store FILE      the key it was stored under [default: PARTY.store beside the peers]";

/// Reads the command line.
pub(super) fn arguments(mut given: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut arguments = Arguments {
        local: false,
        raw: false,
        json: false,
        inputs: PathBuf::from("inputs"),
        outputs: None,
        format: Format::default(),
        seed: None,
        set: vec![],
        #[cfg(feature = "net")]
        party: None,
    };
    let mut name = None;
    #[cfg(feature = "net")]
    let mut connected = None;
    #[cfg(feature = "net")]
    let mut options = party::Options::default();
    let mut seen = HashSet::new();
    while let Some(word) = given.next() {
        let (option, mut inside) = match word.split_once('=') {
            Some((option, value)) if option.starts_with("--") => {
                (option.to_owned(), Some(value.to_owned()))
            }
            _ => (word, None),
        };
        let mut value = || {
            inside
                .take()
                .or_else(|| given.next())
                .ok_or_else(|| format!("`{option}` needs a value"))
        };
        match option.as_str() {
            "--help" | "-h" => return Ok(Asked::Help),
            "--version" | "-V" => return Ok(Asked::Version),
            "--local" => arguments.local = true,
            "--raw" => arguments.raw = true,
            "--json" => arguments.json = true,
            "--inputs" => arguments.inputs = PathBuf::from(value()?),
            "--outputs" => arguments.outputs = Some(PathBuf::from(value()?)),
            "--format" => arguments.format = value()?.parse()?,
            "--seed" => {
                let text = value()?;
                let seed = text.parse().map_err(|_| format!("`{text}` is no seed"))?;
                arguments.seed = Some(seed);
            }
            "--set" => {
                let text = value()?;
                let (name, value) = text
                    .split_once('=')
                    .ok_or_else(|| format!("expected NAME=VALUE, found `{text}`"))?;
                let pair = (name.trim().to_owned(), value.trim().to_owned());
                arguments.set.push(pair);
            }
            #[cfg(feature = "net")]
            "--peers" | "--key" | "--listen" | "--wait" | "--timeout" | "--limit" | "--metrics"
            | "--log" | "--prepared" | "--store" => {
                options.set_option(&option, value()?)?;
                connected = Some(option.clone());
            }
            "--values" => return Err(party_values()),
            other if !other.starts_with('-') && name.is_none() => name = Some(other.to_owned()),
            _ => return Err(format!("there is no option `{option}`\n{USAGE}")),
        }
        if let Some(value) = inside {
            return Err(format!("`{option}` takes no value, found `{value}`"));
        }
        // Of two values one would be ignored, in silence.
        if option.starts_with("--") && option != "--set" && !seen.insert(option.clone()) {
            return Err(format!("`{option}` is given twice"));
        }
    }
    if arguments.local && name.is_some() {
        return Err("`--local` carries out every party: name none".to_owned());
    }
    if arguments.raw && arguments.json {
        return Err("`--raw` is text: leave it or `--json` out".to_owned());
    }
    #[cfg(feature = "net")]
    if let (true, Some(option)) = (arguments.local, connected) {
        return Err(format!(
            "`{option}` is for a party that is connected to others: `--local` connects none"
        ));
    }
    #[cfg(feature = "net")]
    if let Some(name) = name {
        options.name = name;
        options.inputs.clone_from(&arguments.inputs);
        options.outputs.clone_from(&arguments.outputs);
        options.format = arguments.format;
        options.seed = arguments.seed;
        options.set.clone_from(&arguments.set);
        if options.peers.as_os_str().is_empty() {
            return Err("a connected party needs `--peers FILE`".to_owned());
        }
        arguments.party = Some(options);
    }
    Ok(Asked::Run(Box::new(arguments)))
}

fn party_values() -> String {
    "shares and messages are shown of a simulated run only: `smpc trace --values`".to_owned()
}
