//! The command line.

use crate::bind::{Setting, setting};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// The backend of a script that names none.
pub const DEFAULT_BACKEND: &str = "rep3";

const EXIT_CODES: &str = "\
Exit codes:
  0  success
  1  errors in a script or a scheme, or a file `fmt --check` would rewrite
  2  the command line cannot be carried out
  3  errors in input files, or in values given with --set
  4  the computation stopped

Colours follow the terminal; NO_COLOR turns them off.";

const VERIFY_CODES: &str = "\
Exit codes:
  0  no counter-example
  1  a counter-example: an operation leaks, or is wrong
  2  an open question, under --strict; or the command line cannot be carried out";

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
    /// Tell every error of scripts and schemes; reads no inputs, only counts family members
    #[command(after_help = EXIT_CODES)]
    Check(Check),
    /// Print what a script reveals, to whom, under which condition
    Leaks(Script),
    /// Print rounds and bytes as formulas in the sizes; with `--inputs`, their values too
    Cost(Cost),
    /// Write a Rust crate that carries a script out
    #[command(after_help = EXIT_CODES)]
    Build(Build),
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
    #[arg(required = true, value_name = "NAME|FILE")]
    pub schemes: Vec<String>,
    /// Number of computing parties, for backends that take one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=20))]
    pub parties: Option<u8>,
    /// Random executions at full width where a result is no polynomial identity
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub runs: u64,
    /// Fail if a question stays open
    #[arg(long)]
    pub strict: bool,
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
    /// Folder of the crate `smpc-runtime`; without it, cargo asks its registry
    #[arg(long, value_name = "DIR")]
    pub runtime: Option<PathBuf>,
}
