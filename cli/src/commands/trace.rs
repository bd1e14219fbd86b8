//! `smpc trace`: who sent what to whom in a simulated run.

use crate::Answer;
use crate::args::Trace;
use crate::pipeline::{self, Bound};
use crate::problem::{Exit, Failure, Problem};
use crate::record::Recorder;
use crate::simulate::{self, Ran};
use crate::written;
use smpc_grammar::Sources;
use smpc_runtime::files;
use smpc_trace::{Filter, Recording};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Simulates a script, and shows its messages.
///
/// # Errors
/// Errors of the script, of its inputs, or of the run; or the chart cannot be written.
pub fn trace(sources: &mut Sources, args: &Trace) -> Result<Answer, Failure> {
    let binding = &args.script.binding.options();
    let script = pipeline::script(sources, &args.script.file, binding)?;
    let bound = pipeline::bind(sources, &script, binding, false)?;
    let filter = filter(&bound, args)?;
    if let Some(path) = &args.svg {
        let mut reads = written::reads(sources);
        reads.extend(files::of_inputs(
            &files::wanted(&bound.program),
            &script.folder,
        ));
        written::apart("the chart", path, &reads)?;
    }
    let mut ready = simulate::prepare(&script, &bound, binding)?;
    let recorder = Arc::new(Recorder::new(args.values));
    let observer = Some(recorder.clone() as Arc<dyn smpc_interp::Observer>);
    let Ran { outcome, .. } = simulate::simulate(&bound, &mut ready, args.seed, observer)?;
    let outcome = outcome
        .map_err(|error| Failure::one(Exit::Run, simulate::problem(sources, &bound, error)))?;
    if let Some(rounds) = args.round.as_ref()
        && *rounds.start() > outcome.rounds
    {
        let first = rounds.start();
        let message = format!("there is no round {first}: the run has {}", outcome.rounds);
        let problem = Problem::plain("I16", message).help("rounds are counted from 1");
        return Err(Failure::one(Exit::Usage, problem));
    }
    let (parts, messages) = recorder.finish(sources, &bound.program);
    let recording = Recording {
        script: args.script.file.display().to_string(),
        scheme: bound.backend.clone(),
        parties: bound.program.parties.clone(),
        rounds: outcome.rounds,
        parts,
        messages,
    };
    let mut text = String::new();
    let mut json = smpc_trace::json(&recording, &filter);
    match &args.svg {
        Some(path) => {
            let chart = smpc_trace::svg(&recording, &filter);
            written::write(path, &chart)?;
            let path = path.display().to_string();
            text.push_str(&format!("wrote {path}\n"));
            json["svg"] = path.into();
        }
        None => text = smpc_trace::text(&recording, &filter),
    }
    Ok(Answer {
        exit: 0,
        text,
        json,
    })
}

fn filter(bound: &Bound, args: &Trace) -> Result<Filter, Failure> {
    let known = &bound.program.parties;
    let place = |name: &String| {
        known.iter().position(|own| own == name).ok_or_else(|| {
            let problem = Problem::plain("I16", format!("there is no party `{name}`"))
                .help(format!("the parties are `{}`", known.join("`, `")));
            Failure::one(Exit::Usage, problem)
        })
    };
    Ok(Filter {
        rounds: args.round.clone(),
        parties: args.party.iter().map(place).collect::<Result<_, _>>()?,
    })
}

/// Reads `A..=B` or `A..B`, `A..`, `..B` or `A`: rounds counted from 1, both ends included, as tables show them.
///
/// # Errors
/// It is none of these, or empty.
pub fn rounds(text: &str) -> Result<RangeInclusive<u64>, String> {
    let wrong = || {
        format!("`{text}` is no range of rounds: write `3..12`, both ends included, counted from 1")
    };
    let end = |text: &str, open: u64| match text.trim() {
        "" => Ok(open),
        number => number.parse().map_err(|_| wrong()),
    };
    let range = match text.split_once("..") {
        Some((first, last)) => {
            let last = last.strip_prefix('=').unwrap_or(last);
            end(first, 1)?..=end(last, u64::MAX)?
        }
        None => {
            let one = text.trim().parse().map_err(|_| wrong())?;
            one..=one
        }
    };
    if range.is_empty() || *range.start() == 0 {
        return Err(wrong());
    }
    Ok(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_rounds() {
        assert_eq!(rounds("3..12"), Ok(3..=12));
        assert_eq!(rounds("3..=12"), Ok(3..=12));
        assert_eq!(rounds("1..1"), Ok(1..=1));
        assert_eq!(rounds("7"), Ok(7..=7));
        assert_eq!(rounds("..2"), Ok(1..=2));
        assert_eq!(rounds("2..").map(|r| *r.start()), Ok(2));
        for wrong in ["", "0..3", "5..4", "a..b", "1..2..3", "1..==2", "=2"] {
            assert!(rounds(wrong).is_err(), "{wrong}");
        }
    }
}
