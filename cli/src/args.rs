//! The command line.

use clap::{Args, Parser, Subcommand};
use smpc_driver::{Setting, setting};
use smpc_runtime::party;
use std::path::PathBuf;
use std::time::Duration;

const EXIT_CODES: &str = "\
Exit codes:
  0  success
  1  errors in a script or a scheme, or a file `fmt --check` would rewrite
  2  the command line cannot be carried out
  3  errors in input files, or in values given with --set
  4  the computation stopped, or what was to be printed could not be written

Colours follow the terminal; NO_COLOR turns them off.";

const PARTY_CODES: &str = "\
Exit codes:
  0    success: every party has done its part
  1    errors in a script or a scheme
  2    the command line cannot be carried out
  3    errors in this party's input files, or in values given with --set
  4    the computation stopped, here or at a peer; or its answer or metrics could not be written
  130  interrupted";

const VERIFY_CODES: &str = "\
Exit codes:
  0  no counter-example
  1  a counter-example: an operation leaks, or is wrong; with --check, a certificate that is refused
  2  nothing was found out: the command line cannot be carried out, or a text cannot be verified; or an open
     question, under --strict and --check";

const TEST_CODES: &str = "\
A test stands beside what it tests: `test \"squares\" { expect(sq(share 3), 9); }`.

Exit codes:
  0  every test that ran is ok
  1  a test failed, or errors in a script
  2  the command line cannot be carried out, or no test is meant";

/// A language for secure multi-party computation.
#[derive(Debug, Parser)]
#[command(name = "smpc", version, about, after_help = EXIT_CODES, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Print one JSON document instead of text, also for errors
    #[arg(long, global = true)]
    pub json: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Simulate every party of a script in this process and print the outputs
    #[command(after_help = EXIT_CODES)]
    Run(Run),
    /// Simulate a script and print who sent what to whom: a table, or a chart with `--svg`
    #[command(after_help = EXIT_CODES)]
    Trace(Trace),
    /// Run the tests of scripts or of the library, under every scheme that can
    #[command(after_help = TEST_CODES)]
    Test(Test),
    /// Print the reference of the library: functions, what they need, rounds and bytes
    Doc(Doc),
    /// Tell every error of scripts and schemes; reads no inputs, only counts family members
    #[command(after_help = EXIT_CODES)]
    Check(Check),
    /// Print what a script reveals, to whom, under which condition
    Leaks(Script),
    /// Print rounds and bytes as formulas in the sizes; with `--inputs`, their values too
    Cost(Cost),
    /// Print each `approx` of a file: polynomial, proved error, rounds, bytes, and the next choices
    Approx(Approx),
    /// Write a Rust crate that carries a script out
    #[command(after_help = EXIT_CODES)]
    Build(Build),
    /// Be one party, connected to the others over TLS
    #[command(after_help = PARTY_CODES)]
    Party(Party),
    /// Carry out the offline part of a run ahead of its inputs, and store what comes
    #[command(after_help = PARTY_CODES)]
    Prepare(Prepare),
    /// Make a party's keys and certificate, or those of all parties for tests, and a file of peers
    Keygen(Keygen),
    /// Rewrite files in the usual layout
    Fmt(Format),
    /// Explain an error code: wrong example, right example, why
    Explain(Explain),
    /// Write a small project that runs
    New(New),
    /// List the backends
    Schemes(Schemes),
    /// Prove what a scheme's protocols compute and what coalitions learn, or show the counter-example
    #[command(after_help = VERIFY_CODES)]
    Verify(Verify),
}

/// A script and what it is bound to.
#[derive(Debug, Args)]
pub struct Script {
    /// The script
    pub file: PathBuf,
    /// The binding.
    #[command(flatten)]
    pub binding: Binding,
}

/// `smpc approx`.
#[derive(Debug, Args)]
pub struct Approx {
    /// The file.
    #[command(flatten)]
    pub script: Script,
    /// Draw each function and its error into this file
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}

/// The options that all commands on scripts share.
#[derive(Clone, Debug, Args)]
pub struct Binding {
    /// Folder with PARTY/NAME.csv|npy|json; default: the script's own name beside it
    #[arg(long, value_name = "DIR")]
    pub inputs: Option<PathBuf>,
    /// Backend by name, or a file that declares one; overrides `using`; `smpc schemes` tells the default
    #[arg(long, value_name = "NAME|FILE")]
    pub scheme: Option<String>,
    /// Number of computing parties, for backends that take one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub parties: Option<u8>,
    /// Value of a parameter, or size of a party family; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    pub set: Vec<Setting>,
}

impl Binding {
    /// The binding without its command line.
    pub fn options(&self) -> smpc_driver::Binding {
        smpc_driver::Binding {
            inputs: self.inputs.clone(),
            scheme: self.scheme.clone(),
            parties: self.parties,
            set: self.set.clone(),
            ..smpc_driver::Binding::default()
        }
    }
}

/// `smpc run`.
#[derive(Debug, Args)]
pub struct Run {
    /// The script.
    #[command(flatten)]
    pub script: Script,
    /// Make the run reproducible; without it, keys come from the operating system
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Compare every secret with an exact calculation and report overflow and loss of precision
    #[arg(long)]
    pub audit: bool,
    /// Write what each party is handed to DIR/PARTY/NAME.csv|npy|json, all files or none
    #[arg(long, value_name = "DIR")]
    pub outputs: Option<PathBuf>,
    /// Format of these files: csv, npy or json; what it cannot hold is written as json
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "csv",
        requires = "outputs"
    )]
    pub format: smpc_runtime::files::Format,
}

/// `smpc trace`.
#[derive(Debug, Args)]
pub struct Trace {
    /// The script.
    #[command(flatten)]
    pub script: Script,
    /// Make the run reproducible; without it, keys come from the operating system
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Write a sequence chart to this file instead
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Show these online rounds only, counted from 1, both ends included: `3..12`, `..5`, `7`
    #[arg(long, value_name = "A..B", value_parser = crate::commands::trace::rounds)]
    pub round: Option<std::ops::RangeInclusive<u64>>,
    /// Show messages from or to this party only; may be repeated
    #[arg(long, value_name = "NAME")]
    pub party: Vec<String>,
    /// Also show the contents of messages: shares, keys, masked values. Not in charts
    #[arg(long, conflicts_with = "svg")]
    pub values: bool,
}

/// `smpc check`.
#[derive(Debug, Args)]
pub struct Check {
    /// Scripts and schemes
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The binding.
    #[command(flatten)]
    pub binding: Binding,
}

/// `smpc test`.
#[derive(Debug, Args)]
pub struct Test {
    /// Scripts, or modules of the library as `use` names them: `std::nn`, `std::prelude`
    #[arg(required_unless_present = "all", value_name = "FILE|std::MODULE")]
    pub targets: Vec<String>,
    /// Every module of the library
    #[arg(long)]
    pub all: bool,
    /// Under this backend only; may be repeated; default: every backend of the library
    #[arg(long, value_name = "NAME|FILE")]
    pub scheme: Vec<String>,
    /// Only tests with this in their names
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Value of a parameter, or size of a party family; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    pub set: Vec<Setting>,
    /// Coins of the runs: a run can be repeated, and tried with others
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// `smpc doc`.
#[derive(Debug, Args)]
pub struct Doc {
    /// Write library.md and library.html into this folder instead
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

/// `smpc cost`.
#[derive(Debug, Args)]
pub struct Cost {
    /// The script.
    #[command(flatten)]
    pub script: Script,
}

/// `smpc fmt`.
#[derive(Debug, Args)]
pub struct Format {
    /// Files to rewrite
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Rewrite nothing; fail if a file would change
    #[arg(long)]
    pub check: bool,
}

/// `smpc explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// Code, such as K10
    pub code: String,
}

/// `smpc new`.
#[derive(Debug, Args)]
pub struct New {
    /// Folder to make
    pub name: PathBuf,
}

/// `smpc schemes`.
#[derive(Debug, Args)]
pub struct Schemes {
    /// Print the text of this backend's file
    pub name: Option<String>,
}

/// `smpc verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// Backends by name, or files that declare one
    #[arg(required_unless_present_any = ["check", "all"], value_name = "NAME|FILE")]
    pub schemes: Vec<String>,
    /// Every backend of the standard library
    #[arg(long, conflicts_with_all = ["schemes", "check", "certificate"])]
    pub all: bool,
    /// Number of computing parties, for backends that take one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=20))]
    pub parties: Option<u8>,
    /// Random executions at full width where a result is no polynomial identity
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub runs: u64,
    /// Fail if a question stays open
    #[arg(long)]
    pub strict: bool,
    /// Write the certificates of privacy and freshness to this file
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
    /// Read certificates from this file and check them again; nothing is searched for
    #[arg(long, value_name = "FILE", conflicts_with_all = ["schemes", "certificate", "runs", "strict"])]
    pub check: Option<PathBuf>,
}

/// `smpc build`.
#[derive(Debug, Args)]
pub struct Build {
    /// The script.
    #[command(flatten)]
    pub script: Script,
    /// Folder of the crate
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Make a size of the inputs, or an integer parameter, a constant; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    pub size: Vec<Setting>,
    /// Folder of the crate `smpc-runtime`; without it, cargo asks its registry
    #[arg(long, value_name = "DIR")]
    pub runtime: Option<PathBuf>,
}

/// One party and its peers.
#[derive(Debug, Args)]
pub struct Connection {
    /// Who this is, as the script names it: alice, 'member[0]'
    pub name: String,
    /// The script.
    #[command(flatten)]
    pub script: Script,
    /// Names, addresses and certificates of all parties
    #[arg(long, value_name = "FILE")]
    pub peers: PathBuf,
    /// This party's private key [default: NAME.key beside the peers]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Where to listen, if not at the address in the peers' file
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// How long to wait for the peers to be there: 30s, 5m
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = party::duration)]
    pub wait: Duration,
    /// How long a peer may be silent: a second or more
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = party::silence)]
    pub timeout: Duration,
    /// How long one message of a peer that lives is waited for, a second or more
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = party::silence)]
    pub limit: Duration,
    /// What is told on the terminal: off, error, warn, info, debug, trace
    #[arg(long, value_name = "LEVEL", default_value = "info", value_parser = str::parse::<party::Level>)]
    pub log: party::Level,
    /// Key that prepared material is stored under [default: NAME.store beside the peers]
    #[arg(long, value_name = "FILE")]
    pub store: Option<PathBuf>,
}

/// `smpc party`.
#[derive(Debug, Args)]
pub struct Party {
    /// The party.
    #[command(flatten)]
    pub connection: Connection,
    /// Write what the party is handed to DIR/NAME/OUTPUT.csv
    #[arg(long, value_name = "DIR")]
    pub outputs: Option<PathBuf>,
    /// Format of these files: csv, npy or json
    #[arg(long, value_name = "FORMAT", default_value = "csv")]
    pub format: smpc_runtime::files::Format,
    /// Make the run reproducible, for tests: whoever knows the number can compute every secret
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Write counts and times, as JSON
    #[arg(long, value_name = "FILE")]
    pub metrics: Option<PathBuf>,
    /// Use up what `smpc prepare` stored
    #[arg(long, value_name = "FILE", conflicts_with = "seed")]
    pub prepared: Option<PathBuf>,
    /// Refused: only a simulated run shows shares.
    #[arg(long, hide = true)]
    pub values: bool,
}

/// `smpc prepare`.
#[derive(Debug, Args)]
pub struct Prepare {
    /// The party.
    #[command(flatten)]
    pub connection: Connection,
    /// Where to store what comes
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// A size of the run to come, instead of that of this party's inputs; may be repeated
    #[arg(long, value_name = "NAME=LENGTH", value_parser = setting)]
    pub size: Vec<Setting>,
}

/// `smpc keygen`.
#[derive(Debug, Args)]
pub struct Keygen {
    /// Parties, each NAME or NAME=HOST:PORT
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
    /// Folder of the keys
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Port of the first party on this machine; the others follow
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// How many days the certificates are valid
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use std::collections::BTreeSet;

    /// A script that starts `smpc party` can start the compiled program instead.
    #[test]
    fn a_compiled_party_has_the_options_of_an_interpreted_one() {
        let mut whole = Cli::command();
        whole.build();
        let party = whole.find_subcommand("party").unwrap();
        let visible = party.get_arguments().filter(|arg| !arg.is_hide_set());
        let interpreted = visible.filter_map(|arg| arg.get_long());
        // What is compiled in, and what belongs to the whole command.
        let fixed = ["scheme", "parties", "version"];
        let interpreted: BTreeSet<&str> = interpreted.filter(|o| !fixed.contains(o)).collect();
        let listed = smpc_runtime::command::USAGE.lines().map(str::trim);
        // Some have a letter, too: `-h, --help`.
        let named = |line: &'static str| match line.split_once(", ") {
            Some((letter, name)) if letter.len() == 2 => name,
            _ => line,
        };
        let compiled = listed.filter_map(|line| named(line).strip_prefix("--")?.split(' ').next());
        let own = ["local", "raw", "version"];
        let compiled: BTreeSet<&str> = compiled.filter(|o| !own.contains(o)).collect();
        assert!(interpreted.contains("json") && interpreted.contains("peers"));
        assert_eq!(compiled, interpreted);
    }
}
