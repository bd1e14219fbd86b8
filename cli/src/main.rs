//! The `smpc` command: arguments, files, terminal.

mod args;
mod audit;
mod commands;
mod endpoints;
mod explain;
mod inputs;
mod located;
mod parallel;
mod peer;
mod progress;
mod record;
mod reference;
mod render;
mod simulate;
mod testing;
mod written;

use args::{Cli, Command};
use clap::Parser;
use problem::Failure;
use smpc_driver::{bind, load, pipeline, problem};
use smpc_grammar::Sources;
use smpc_runtime::terminal;
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
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(asked) => return usage(&asked),
    };
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
                print_json(&answer.json, answer.exit)
            } else {
                print(&answer.text, answer.exit)
            }
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

/// Prints help or the version, or what is wrong with the command line.
fn usage(asked: &clap::Error) -> ExitCode {
    let written = asked.print().and_then(|()| std::io::stdout().flush());
    let exit = u8::try_from(asked.exit_code()).unwrap_or(problem::Exit::Usage as u8);
    match asked.use_stderr() {
        true => ExitCode::from(exit),
        false => done(terminal::printed(written), exit),
    }
}

/// Prints an answer, and what went wrong behind it: one document, or the answer first.
fn behind(sources: &Sources, answer: Answer, failure: &Failure, json: bool) -> ExitCode {
    if json {
        let errors = render::json(sources, failure);
        let whole = smpc_runtime::report::with_errors(answer.json, &errors);
        return print_json(&whole, failure.exit as u8);
    }
    print(&answer.text, failure.exit as u8);
    fail(sources, failure, false)
}

fn fail(sources: &Sources, failure: &Failure, json: bool) -> ExitCode {
    let exit = failure.exit as u8;
    if json {
        return print_json(&render::json(sources, failure), exit);
    }
    terminal::tell(&render::text(sources, failure, color()));
    ExitCode::from(exit)
}

fn color() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && std::io::stderr().is_terminal()
}

fn print_json(value: &serde_json::Value, exit: u8) -> ExitCode {
    let text = serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
    print(&(text + "\n"), exit)
}

fn print(text: &str, exit: u8) -> ExitCode {
    done(terminal::print(text), exit)
}

/// The exit code of a command that has printed what it had to say. An answer that is lost is none: the command has
/// failed, if it did not before.
fn done(printed: Result<(), smpc_runtime::files::Problem>, exit: u8) -> ExitCode {
    let lost = printed.err();
    if let Some(problem) = &lost {
        terminal::tell(&format!("{problem}\n"));
    }
    ExitCode::from(match exit {
        0 if lost.is_some() => problem::Exit::Run as u8,
        exit => exit,
    })
}
