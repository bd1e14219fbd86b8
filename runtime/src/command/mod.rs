//! The command line of a compiled program: arguments, input files, outputs.

mod arguments;
mod show;

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use serde_json::{Value, json};
pub use smpc_ir::party::{OutputInfo, PartySet};
pub use smpc_ir::share::Type;

use crate::channel::Channel;
use crate::endpoint::{Account, Failure, run_locally};
use crate::files::{self, Element, Flaw, Problem, Wanted};
use crate::number;
use crate::report;
use crate::tensor::Tensor;
use crate::terminal;
pub use arguments::USAGE;
use arguments::{Arguments, Asked, arguments};

/// What a program is started with, compiled or not.
#[derive(Clone, Copy, Debug)]
pub struct Description<'a> {
    /// The script's file name.
    pub name: &'a str,
    /// Version of the language.
    pub language: &'a str,
    /// SHA-256 of the script's texts.
    pub script: [u8; 32],
    /// The scheme with its arguments, and the SHA-256 of its text.
    pub scheme: (&'a str, [u8; 32]),
    /// SHA-256 of the program that all parties carry out.
    pub program: [u8; 32],
    /// Names of the parties.
    pub parties: &'a [&'a str],
    /// Sizes of inputs, then parameters.
    pub publics: &'a [Public<'a>],
    /// Inputs.
    pub inputs: &'a [Input<'a>],
    /// Outputs, in the order in which a part hands them back.
    pub outputs: &'a [OutputInfo<'a>],
}

/// A size or a parameter.
#[derive(Clone, Copy, Debug)]
pub struct Public<'a> {
    /// Its name in the script.
    pub name: &'a str,
    /// Where its value comes from.
    pub origin: Origin,
}

impl Public<'_> {
    /// Whether it is the size of an input.
    pub fn is_size(&self) -> bool {
        matches!(self.origin, Origin::Axis { .. })
    }
}

/// Where a public value comes from.
#[derive(Clone, Copy, Debug)]
pub enum Origin {
    /// The length of an axis of an input.
    Axis {
        /// Which input.
        input: usize,
        /// Which axis.
        axis: usize,
    },
    /// An integer, from the command line unless there is a default.
    Integer(Option<i128>),
    /// As [`Origin::Integer`], of fixed point in units of 2^-64.
    Fixed(Option<i128>),
    /// As [`Origin::Integer`], of so many bits; of one, a truth value.
    Bits(u8, Option<i128>),
}

/// An input: a file of its party, or a column of one.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Position of the owner.
    pub party: usize,
    /// The file's name, without its ending.
    pub file: &'a str,
    /// The column of a table.
    pub column: Option<&'a str>,
    /// Element type.
    pub ty: Type,
    /// Whether elements are characters.
    pub text: bool,
    /// Width of the ring.
    pub ring_bits: u8,
    /// p of a backend over a prime field.
    pub modulus: Option<u128>,
    /// How many axes.
    pub rank: usize,
    /// The type with its sizes as the script writes it.
    pub shown: &'a str,
    /// Of each axis: the position in [`Description::publics`] of its length, if that is the length
    /// as it stands.
    pub axes: &'a [Option<usize>],
}

/// One party's part: position, channels, public values, inputs, seed; outputs by name, in the order
/// of [`Description::outputs`].
pub type Part<'p> = dyn Fn(usize, &mut dyn Channel, &[i128], Vec<Option<Tensor>>, Option<u64>) -> Handed
    + Sync
    + 'p;

/// An output under the name it has in the part: its value, each time it was handed out.
pub type Values = (&'static str, Vec<Tensor>);

/// What a party was handed, each output as often as it was handed out, and what it sent.
pub type Handed = Result<(Vec<Values>, Account), Failure>;

/// Why a program stopped: problems of its command line or files, or the failure of a run.
#[derive(Clone, Debug)]
pub struct Stop {
    /// 2 the command line, 3 inputs and parameters, 4 the computation, 130 interrupted.
    pub exit: u8,
    /// Why.
    pub why: Why,
}

/// What a [`Stop`] is about.
#[derive(Clone, Debug)]
pub enum Why {
    /// At least one problem of a file or of the command line.
    Problems(Vec<Problem>),
    /// The run, or its connections.
    Failed(Failure),
}

impl Stop {
    /// The command line cannot be carried out.
    pub fn usage(code: &'static str, message: impl Into<String>) -> Self {
        Self::problems(2, vec![Problem::new(code, message, "")])
    }

    /// Problems of files.
    pub fn problems(exit: u8, problems: Vec<Problem>) -> Self {
        Self {
            exit,
            why: Why::Problems(problems),
        }
    }

    /// The run failed.
    pub fn failed(failure: Failure) -> Self {
        Self {
            exit: 4,
            why: Why::Failed(failure),
        }
    }

    /// The run went well, but its metrics could not be written.
    pub fn unmeasured(problem: Problem) -> Self {
        Self::problems(4, vec![problem])
    }

    /// Where in the script the run was, as far as known.
    pub fn place(&self) -> &str {
        match &self.why {
            Why::Problems(_) => "",
            Why::Failed(failure) => &failure.place,
        }
    }

    /// The code of the first problem.
    pub fn code(&self) -> &str {
        match &self.why {
            Why::Problems(problems) => problems.first().map_or("", |problem| problem.code),
            Why::Failed(failure) => failure.code,
        }
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.why {
            Why::Problems(problems) => {
                for (at, problem) in problems.iter().enumerate() {
                    if at > 0 {
                        f.write_str("\n")?;
                    }
                    problem.fmt(f)?;
                }
                Ok(())
            }
            Why::Failed(failure) => {
                write!(f, "error[{}]: {}", failure.code, failure.message)?;
                if !failure.place.is_empty() {
                    write!(f, "\n  --> {}", failure.place)?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for Stop {}

impl Description<'_> {
    /// The inputs as the readers of files take them.
    pub fn wanted(&self) -> Vec<Wanted<'_>> {
        let inputs = self.inputs.iter();
        inputs
            .map(|input| Wanted {
                party: input.party,
                owner: self.parties.get(input.party).copied().unwrap_or(""),
                file: input.file,
                column: input.column,
                element: Element {
                    ty: input.ty,
                    text: input.text,
                    ring_bits: input.ring_bits,
                    modulus: input.modulus,
                },
                rank: input.rank,
                shown: input.shown.into(),
            })
            .collect()
    }

    /// Reads the inputs of every party, or of one; inputs of others stay absent. All problems of
    /// all files are told.
    ///
    /// # Errors
    /// A file is missing or does not fit.
    pub fn read(&self, folder: &Path, only: Option<usize>) -> Result<Vec<Option<Tensor>>, Stop> {
        let wanted = self.wanted();
        let mut read = files::read(&wanted, folder, only);
        let mut tensors = vec![];
        for ((input, array), path) in wanted.iter().zip(&read.arrays).zip(&read.paths) {
            let tensor = array.as_ref().map(|array| array.tensor(input.element));
            tensors.push(tensor.transpose().unwrap_or_else(|error| {
                let flaw = Problem::new("I06", error.to_string(), path.clone());
                read.problems.push(flaw);
                None
            }));
        }
        if read.problems.is_empty() {
            Ok(tensors)
        } else {
            Err(Stop::problems(3, read.problems))
        }
    }

    /// The sizes that the inputs at hand fix, in the order of [`Description::publics`].
    ///
    /// # Errors
    /// Two inputs of this party disagree.
    pub fn sizes(&self, inputs: &[Option<Tensor>]) -> Result<Vec<Option<i128>>, Stop> {
        let mut sizes = vec![None; self.publics.len()];
        for (input, tensor) in self.inputs.iter().zip(inputs) {
            let Some(tensor) = tensor else { continue };
            for (axis, length) in input.axes.iter().zip(tensor.shape()) {
                let found = *length as i128;
                let Some((slot, public)) = axis.and_then(|at| {
                    let public = self.publics.get(at)?;
                    Some((sizes.get_mut(at)?, public))
                }) else {
                    continue;
                };
                let known = *slot.get_or_insert(found);
                if known != found {
                    let owner = self.parties.get(input.party).copied().unwrap_or("");
                    let message = format!(
                        "size `{}` is {known} in another input and {found} in `{}`",
                        public.name, input.file
                    );
                    let problem = Problem::new("I08", message, format!("{owner}/{}", input.file));
                    return Err(Stop::problems(3, vec![problem]));
                }
            }
        }
        Ok(sizes)
    }

    /// Whether these are sizes of inputs.
    ///
    /// # Errors
    /// One is none.
    #[cfg(feature = "net")]
    pub(crate) fn knows<'s>(&self, sizes: impl IntoIterator<Item = &'s str>) -> Result<(), Stop> {
        for name in sizes {
            let mut known = self.publics.iter().filter(|public| public.is_size());
            if !known.any(|public| public.name == name) {
                let message = format!("the program has no size `{name}`");
                return Err(Stop::usage("I13", message));
            }
        }
        Ok(())
    }

    /// The values of the parameters, given or by default, with their names.
    ///
    /// # Errors
    /// One has no value or no readable one, or there is no such parameter.
    pub fn params(&self, set: &[(String, String)]) -> Result<Vec<(String, i128)>, Stop> {
        let all = self.publics.iter();
        let params = all.filter(|p| !p.is_size());
        let fail = |message| Stop::problems(3, vec![Problem::new("I13", message, "")]);
        for (at, (name, text)) in set.iter().enumerate() {
            if set[..at].iter().any(|(known, _)| known == name) {
                let message = format!("`--set {name}={text}`: this parameter is given twice");
                return Err(Stop::usage("I13", message));
            }
            if !params.clone().any(|param| param.name == name) {
                return Err(fail(format!("the script has no parameter `{name}`")));
            }
        }
        // As inputs are read, in the backend's ring.
        let ring_bits = self.inputs.first().map_or(64, |input| input.ring_bits);
        let element = |ty: Type, text: &str| {
            let element = Element {
                ty,
                text: false,
                ring_bits,
                modulus: None,
            };
            let told = |flaw: Flaw| format!("{}: {}", flaw.message, flaw.expected);
            element.read_text(text).map_err(told)
        };
        let value = |public: &Public<'_>| -> Result<(String, i128), Stop> {
            let name = public.name;
            let given = set.iter().find(|(set, _)| set == name);
            let read = |read: &dyn Fn(&str) -> Result<i128, String>, default| match given {
                Some((_, text)) => {
                    read(text).map_err(|e| fail(format!("`--set {name}={text}`: {e}")))
                }
                None => Option::<i128>::ok_or_else(default, || {
                    fail(format!(
                        "parameter `{name}` has no value: give `--set {name}=...`"
                    ))
                }),
            };
            let value = match public.origin {
                Origin::Fixed(default) => read(
                    &|text| number::fixed(text).map_err(|e| e.to_string()),
                    default,
                ),
                Origin::Integer(default) => read(&|text| element(Type::Int, text), default),
                Origin::Bits(width, default) => {
                    read(&|text| element(Type::Bits(width), text), default)
                }
                Origin::Axis { .. } => Ok(0),
            };
            Ok((name.to_owned(), value?))
        };
        params.map(value).collect()
    }
}

/// Where nothing unwinds, a panic would end the process by a signal, and the system may then write its memory to a file,
/// shares and keys with it. So it ends by itself, as with any other error.
#[cfg(panic = "abort")]
fn end_at_a_panic() {
    std::panic::set_hook(Box::new(|panic| {
        terminal::tell(&format!("the endpoint stopped unexpectedly: {panic}\n"));
        std::process::exit(4);
    }));
}

/// Runs the program. Exit codes: 0 success, 2 the command line, 3 inputs, 4 the computation, or its answer could not
/// be written; 130 interrupted.
pub fn main(
    description: &Description<'_>,
    part: impl Fn(usize, &mut dyn Channel, &[i128], Vec<Option<Tensor>>, Option<u64>) -> Handed + Sync,
) -> ExitCode {
    #[cfg(panic = "abort")]
    end_at_a_panic();
    let given: Vec<String> = std::env::args().skip(1).collect();
    // Errors of the command line are told in this form, too.
    let json = given.iter().any(|option| option == "--json");
    let done = match arguments(given.into_iter()) {
        Ok(Asked::Help) => Ok((USAGE.to_owned() + "\n", None)),
        Ok(Asked::Version) => Ok((description.version(), None)),
        Ok(Asked::Run(arguments)) => carry_out(description, &arguments, &part),
        Err(message) => Err(Stop::usage("I16", message)),
    };
    let (code, text, failed) = match done {
        Ok((text, None)) => (0, text, None),
        // The document of the answer has the error.
        Ok((text, Some(stop))) => (stop.exit, text, (!json).then_some(stop)),
        Err(stop) if json => (stop.exit, document(&report::errors(&stop)), None),
        Err(stop) => (stop.exit, String::new(), Some(stop)),
    };
    let lost = terminal::print(&text).err();
    let failed = failed.iter().map(Stop::to_string);
    for error in failed.chain(lost.iter().map(Problem::to_string)) {
        terminal::tell(&format!("{}\n", error.trim_end()));
    }
    let code = if lost.is_some() && code == 0 { 4 } else { code };
    ExitCode::from(code)
}

/// A document as it is printed.
fn document(value: &Value) -> String {
    format!("{value:#}\n")
}

/// What is printed, and what went wrong behind a run that went well.
type Told = (String, Option<Stop>);

fn carry_out(
    description: &Description<'_>,
    arguments: &Arguments,
    part: &Part<'_>,
) -> Result<Told, Stop> {
    if !arguments.local {
        return party(description, arguments, part);
    }
    if let Some(folder) = &arguments.outputs {
        let outputs = description.outputs_in(folder, None, arguments.format);
        let apart = outputs.apart(&description.wanted(), &arguments.inputs);
        apart.map_err(|problem| Stop::problems(2, vec![problem]))?;
    }
    let inputs = description.read(&arguments.inputs, None)?;
    let params = description.params(&arguments.set)?;
    let sizes = description.sizes(&inputs)?;
    let sizes = sizes.into_iter().flatten();
    let publics: Vec<i128> = sizes.chain(params.into_iter().map(|(_, v)| v)).collect();
    let run = |me: usize, channel: &mut dyn Channel| {
        // A party is given its own inputs and nobody else's.
        let own = description.inputs.iter().zip(&inputs);
        let own = own.map(|(input, tensor)| tensor.clone().filter(|_| input.party == me));
        part(me, channel, &publics, own.collect(), arguments.seed)
    };
    let begun = Instant::now();
    let runs = run_locally(description.parties, run).map_err(Stop::failed)?;
    let seconds = begun.elapsed().as_secs_f64();
    let mut files = vec![];
    let mut text = String::new();
    for (name, (outputs, _)) in description.parties.iter().zip(&runs) {
        show::outputs(&mut text, name, description.outputs, outputs, arguments.raw);
        if let Some(folder) = &arguments.outputs {
            files.extend(description.rendered(outputs, &folder.join(name), arguments.format));
        }
    }
    for (name, (_, account)) in description.parties.iter().zip(&runs) {
        show::account(&mut text, name, account);
    }
    let outputs = arguments.outputs.as_ref();
    let outputs = outputs.map(|folder| description.outputs_in(folder, None, arguments.format));
    let stale = outputs.map_or_else(Vec::new, |outputs| outputs.stale(&files));
    for path in &stale {
        let _ = writeln!(text, "removed {}, of an earlier run", path.display());
    }
    files::stage(&files, files::Patience::default())
        .and_then(|staged| staged.without(stale).commit())
        .map_err(|problem| Stop::problems(4, vec![problem]))?;
    if !arguments.json {
        return Ok((text, None));
    }
    let own = runs.iter().map(|(outputs, _)| outputs.as_slice());
    let outputs = description.gathered(&own.enumerate().collect::<Vec<_>>());
    let accounts = description.parties.iter().zip(&runs);
    let accounts: Vec<(&str, Account)> = accounts
        .map(|(name, (_, account))| (*name, *account))
        .collect();
    let mut answer = json!({
        "outputs": report::json(&outputs),
        "scheme": description.scheme_name(),
        "parties": description.parties.len(),
        "cost": report::cost(&accounts),
        "seconds": seconds,
    });
    if arguments.outputs.is_some() {
        let paths = files.iter().map(|(path, _)| path.display().to_string());
        answer["files"] = paths.collect();
    }
    Ok((document(&answer), None))
}

impl Description<'_> {
    /// What this is a program of, in one line.
    fn version(&self) -> String {
        let (name, language, scheme) = (self.name, self.language, self.scheme.0);
        format!("{name} under {scheme}, compiled by smpc {language}\n")
    }

    /// The scheme's name, without its arguments.
    pub fn scheme_name(&self) -> &str {
        let whole = self.scheme.0;
        whole.split_once('(').map_or(whole, |(name, _)| name)
    }

    /// What a party was handed, with what the program says of it.
    fn handed(&self, outputs: &[Values]) -> report::Handed<'_> {
        let all = self.outputs.iter().zip(outputs);
        all.map(|(info, (_, values))| (*info, values.clone()))
            .collect()
    }

    /// Where outputs are to be written, of one party or of all.
    pub fn outputs_in<'a>(
        &'a self,
        folder: &'a Path,
        only: Option<usize>,
        format: files::Format,
    ) -> files::Outputs<'a> {
        files::Outputs {
            infos: self.outputs,
            parties: self.parties,
            only,
            folder,
            format,
        }
    }

    /// The files of what a party was handed.
    pub fn rendered(
        &self,
        outputs: &[Values],
        folder: &Path,
        format: files::Format,
    ) -> Vec<(std::path::PathBuf, Vec<u8>)> {
        let files = files::render(&self.handed(outputs), format).into_iter();
        files
            .map(|(name, bytes)| (folder.join(name), bytes))
            .collect()
    }

    /// What parties, by their positions, were handed, gathered by name.
    pub fn gathered(&self, parties: &[(usize, &[Values])]) -> Vec<report::Output> {
        let parties = parties.iter();
        let handed: Vec<(usize, report::Handed<'_>)> = parties
            .map(|(at, outputs)| (*at, self.handed(outputs)))
            .collect();
        report::gather(self.parties, &handed)
    }
}

#[cfg(feature = "net")]
fn party(
    description: &Description<'_>,
    arguments: &Arguments,
    part: &Part<'_>,
) -> Result<Told, Stop> {
    let Some(options) = &arguments.party else {
        let message = format!("name a party, or give `--local`\n{USAGE}");
        return Err(Stop::usage("I16", message));
    };
    let done = crate::party::run(description, options, part)?;
    let unmeasured = done.unmeasured.clone().map(Stop::unmeasured);
    if arguments.raw {
        let mut text = String::new();
        let (infos, outputs) = (description.outputs, &done.outputs);
        show::outputs(&mut text, &options.name, infos, outputs, true);
        show::account(&mut text, &options.name, &done.account);
        return Ok((text, unmeasured));
    }
    let outputs = description.gathered(&[(done.me, &done.outputs)]);
    let answer = report::Answer {
        party: &options.name,
        outputs: &outputs,
        scheme: description.scheme_name(),
        parties: description.parties.len(),
        account: &done.account,
        prepared: options.prepared.is_some(),
        seconds: done.seconds,
    };
    let text = match (arguments.json, &unmeasured) {
        (true, Some(stop)) => document(&report::with_errors(answer.json(), &report::errors(stop))),
        (true, None) => document(&answer.json()),
        (false, _) => answer.text(),
    };
    Ok((text, unmeasured))
}

#[cfg(not(feature = "net"))]
fn party(_: &Description<'_>, _: &Arguments, _: &Part<'_>) -> Result<Told, Stop> {
    let message = "built without a network, it runs all parties in one process: give `--local`";
    Err(Stop::usage("I16", message))
}

#[cfg(test)]
mod tests;
