//! What is written must not be what is read: a run is not to destroy what it was started with, nor to leave an
//! input with two files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use smpc_ir::party::{OutputInfo, Party};

use super::name::{Name, resolved};
use super::output::Format;
use super::store::one_file;
use super::stream::is_stream;
use super::{ENDINGS, Problem, Wanted};

/// A file that is to be written, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Where.
    pub path: PathBuf,
    /// In the user's words: "the metrics".
    pub what: String,
    /// What to do if it may not be written.
    pub help: &'static str,
}

/// Whether none of the files is one that is read.
///
/// # Errors
/// `I15`: one would replace a file that is read.
pub fn apart(writes: &[Write], reads: &[PathBuf]) -> Result<(), Problem> {
    let reads: Vec<(&PathBuf, Name)> = reads.iter().map(|path| (path, Name::of(path))).collect();
    for write in writes {
        let name = Name::of(&write.path);
        if let Some((path, _)) = reads.iter().find(|(_, read)| read.is(&name)) {
            let message = format!("{} would replace {}", write.what, path.display());
            let problem = Problem::new("I15", message, write.path.display().to_string());
            return Err(problem.help(write.help));
        }
    }
    Ok(())
}

/// The files in which these inputs may be.
pub fn of_inputs(wanted: &[Wanted<'_>], folder: &Path) -> Vec<PathBuf> {
    let named: BTreeSet<(&str, &str)> = wanted.iter().map(|w| (w.owner, w.file)).collect();
    let file =
        |(owner, file)| ENDINGS.map(|ending| folder.join(owner).join(format!("{file}.{ending}")));
    named.into_iter().flat_map(file).collect()
}

/// Where outputs are to be written.
#[derive(Clone, Copy, Debug)]
pub struct Outputs<'a> {
    /// As the program declares them.
    pub infos: &'a [OutputInfo<'a>],
    /// Names of the parties.
    pub parties: &'a [&'a str],
    /// Of one party only.
    pub only: Option<usize>,
    /// `DIR` of `DIR/PARTY/NAME.csv`.
    pub folder: &'a Path,
    /// Of those that are written; what it cannot hold becomes JSON.
    pub format: Format,
}

const ANOTHER_FOLDER: &str =
    "give `--outputs` a folder without inputs, or the output another name (`reveal ... as NAME`)";

impl Outputs<'_> {
    /// Each output of each party that may be handed it.
    fn each(&self) -> impl Iterator<Item = (&str, &str)> {
        let parties = self.parties.iter().enumerate();
        let parties = parties.filter(|(at, _)| self.only.is_none_or(|only| only == *at));
        parties.flat_map(|(at, party)| {
            let receives = move |info: &&OutputInfo<'_>| {
                u8::try_from(at).is_ok_and(|at| info.receivers.contains(Party(at)))
            };
            let names = self.infos.iter().filter(receives).map(|info| info.name);
            let names: BTreeSet<&str> = names.collect();
            names.into_iter().map(|name| (*party, name))
        })
    }

    /// The files that may be written, or taken away ([`Outputs::stale`]).
    pub fn writes(&self) -> Vec<Write> {
        self.files(&[Format::Csv, Format::Npy, Format::Json])
    }

    fn files(&self, formats: &[Format]) -> Vec<Write> {
        let endings: BTreeSet<&str> = formats.iter().map(|format| format.ending()).collect();
        let file = |(party, name): (&str, &str)| {
            let one = |ending: &&str| Write {
                path: self.folder.join(party).join(format!("{name}.{ending}")),
                what: format!("output `{name}` of {party}"),
                help: ANOTHER_FOLDER,
            };
            endings.iter().map(one).collect::<Vec<_>>()
        };
        self.each().flat_map(file).collect()
    }

    /// The files of an earlier run: outputs, in any format, that are not among those `written` now. Only files are, no
    /// links to them and no devices.
    pub fn stale(&self, written: &[(PathBuf, Vec<u8>)]) -> Vec<PathBuf> {
        let written: BTreeSet<PathBuf> = written.iter().map(|(path, _)| resolved(path)).collect();
        let all = self.writes().into_iter().map(|write| write.path);
        all.filter(|path| path.symlink_metadata().is_ok_and(|about| about.is_file()))
            .filter(|path| !written.contains(&resolved(path)))
            .collect()
    }

    /// Whether each output of this format has a file of its own, or goes where something takes all of them.
    fn distinct(&self) -> Result<(), Problem> {
        let mut named: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
        for (party, name) in self.each() {
            let file = format!("{name}.{}", self.format.ending());
            let path = self.folder.join(party).join(file);
            if is_stream(&path) {
                continue;
            }
            if let Some(other) = named.insert(resolved(&path), path.clone()) {
                return Err(one_file(&other, &path));
            }
        }
        Ok(())
    }

    /// Whether no output is written where another one is, or where an input is, over it or in another format beside it.
    ///
    /// # Errors
    /// `I15`: one is.
    pub fn apart(&self, wanted: &[Wanted<'_>], inputs: &Path) -> Result<(), Problem> {
        self.distinct()?;
        let mut there = of_inputs(wanted, inputs);
        there.retain(|path| path.exists());
        apart(&self.files(&[self.format, Format::Json]), &there)?;
        let owners: BTreeSet<&str> = wanted.iter().map(|wanted| wanted.owner).collect();
        let owners: Vec<(&str, Name)> = owners
            .into_iter()
            .map(|owner| (owner, Name::of(&inputs.join(owner))))
            .collect();
        for (party, output) in self.each() {
            let folder = Name::of(&self.folder.join(party));
            let beside = wanted.iter().find(|wanted| {
                let own = owners.iter().find(|(owner, _)| *owner == wanted.owner);
                wanted.file == output && own.is_some_and(|(_, own)| own.is(&folder))
            });
            if let Some(wanted) = beside {
                let message = format!(
                    "output `{output}` of {party} would be written beside input `{output}` of {}, which would then have two files",
                    wanted.owner
                );
                let path = self.folder.join(party).join(output).display().to_string();
                return Err(Problem::new("I15", message, path).help(ANOTHER_FOLDER));
            }
        }
        Ok(())
    }
}
