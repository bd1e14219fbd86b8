//! The `smpc` command: arguments, files, terminal.

mod args;
mod audit;
mod commands;
mod endpoints;
mod explain;
mod inputs;
mod parallel;
mod peer;
mod progress;
mod record;
mod reference;
mod render;
mod simulate;
mod testing;

use args::{Cli, Command};
use clap::Parser;
use problem::Failure;
use smpc_driver::{bind, load, pipeline, problem};
use smpc_grammar::Sources;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

/// Trees of syntax and tokens are many small pieces of memory: more than a third of the time of `smpc build`.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a command prints when it succeeds.
pub struct Answer {
    /// The exit code; `verify` has findings that are no failure of the command.
    pub exit: u8,
    /// For people.
    pub text: String,
    /// For machines.
    pub json: serde_json::Value,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Command::Run(_) | Command::Party(_) | Command::Prepare(_) = cli.command {
        small_pages();
    }
    let mut sources = Sources::new();
    let result = match &cli.command {
        Command::Fmt(args) => commands::fmt::fmt(&mut sources, args),
        Command::Explain(args) => commands::explain(args),
        Command::New(args) => commands::new::new(args),
        Command::Schemes(args) => commands::schemes::schemes(args),
        Command::Run(args) => commands::run::run(&mut sources, args),
        Command::Trace(args) => commands::trace::trace(&mut sources, args),
        Command::Test(args) => commands::test::test(&mut sources, args),
        Command::Doc(args) => commands::doc::doc(&mut sources, args),
        Command::Check(args) => commands::check::check(&mut sources, args),
        Command::Leaks(args) => commands::leaks::leaks(&mut sources, args),
        Command::Approx(args) => commands::approx::approx(&mut sources, args),
        Command::Cost(args) => commands::cost::cost(&mut sources, args),
        Command::Build(args) => commands::build::build(&mut sources, args),
        Command::Party(args) => match commands::party::party(&mut sources, args) {
            Ok((answer, None)) => Ok(answer),
            Ok((answer, Some(failure))) => return behind(&sources, answer, &failure, cli.json),
            Err(failure) => Err(failure),
        },
        Command::Prepare(args) => commands::prepare::prepare(&mut sources, args),
        Command::Keygen(args) => commands::keygen::keygen(args),
        Command::Verify(args) => commands::verify::verify(&mut sources, args),
    };
    match result {
        Ok(answer) => {
            if cli.json {
                print_json(&answer.json);
            } else {
                print(&answer.text);
            }
            ExitCode::from(answer.exit)
        }
        Err(failure) => fail(&sources, &failure, cli.json),
    }
}

/// Each thread of a party would touch huge pages of its own and need little of them: they are cleared for nothing.
fn small_pages() {
    #[cfg(target_os = "linux")]
    {
        // A kernel without them has nothing to forbid.
        let _ = rustix::thread::disable_transparent_huge_pages(true);
    }
}

/// Prints an answer, and what went wrong behind it: one document, or the answer first.
fn behind(sources: &Sources, answer: Answer, failure: &Failure, json: bool) -> ExitCode {
    if json {
        let errors = render::json(sources, failure);
        print_json(&smpc_runtime::report::with_errors(answer.json, &errors));
        return ExitCode::from(failure.exit as u8);
    }
    print(&answer.text);
    fail(sources, failure, false)
}

fn fail(sources: &Sources, failure: &Failure, json: bool) -> ExitCode {
    if json {
        print_json(&render::json(sources, failure));
    } else {
        let text = render::text(sources, failure, color());
        // A closed terminal is no reason to panic, and there is nobody left to tell.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
    ExitCode::from(failure.exit as u8)
}

fn color() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && std::io::stderr().is_terminal()
}

fn print_json(value: &serde_json::Value) -> ExitCode {
    let text = serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
    print(&(text + "\n"))
}

fn print(text: &str) -> ExitCode {
    let mut out = std::io::stdout().lock();
    // A reader that has seen enough (`| head`) closes the pipe: that is its right.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    ExitCode::SUCCESS
}
