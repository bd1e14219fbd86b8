//! Prepared material: what a party received in the offline part of a run, kept for its online part.
//!
//! The two halves are one run: the same keys, the same coins, no message twice. So material is good
//! for one use: masks that meet two inputs give away their difference. Before its first use a party
//! notes the run's *session*, a number all parties drew together, in a ledger beside its storage
//! key; the handshake compares sessions, so whoever restores an old copy meets peers that refuse.

mod channel;
mod ledger;
mod seal;

pub use channel::{Recording, Replaying};
pub use ledger::{consume, ledger, used};
pub use seal::{StorageKey, create_key, storage_key};

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroize;

use crate::command::Stop;
use crate::endpoint::Failure;
use crate::files::Problem;
use crate::prg::Seed;
use seal::{Opener, Sealer};

/// Material that is used up, or belongs to another run.
pub const USED: &str = "I50";
/// Material that is missing, damaged, or cannot be kept.
pub const DAMAGED: &str = "I51";

/// Bytes of the number that names a preparation.
pub const SESSION: usize = 16;

/// Longest name of a party in a file.
const NAME: usize = 1 << 12;

/// What names a preparation: the same at every party.
pub type Session = [u8; SESSION];

/// To what prepared material belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Belongs {
    /// The party whose material it is.
    pub party: String,
    /// Digest of what the parties agreed on: script, scheme, program, sizes, parameters.
    pub agreement: [u8; 32],
    /// Which preparation.
    pub session: Session,
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn failure(code: &'static str, message: String) -> Failure {
    Failure {
        code,
        ..Failure::setup(message)
    }
}

fn io(path: &Path, what: &str, error: &std::io::Error) -> Failure {
    failure(DAMAGED, format!("{}: {what}: {error}", path.display()))
}

/// The material of this file could not be written.
pub(super) fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    io(path, "the material cannot be written", error)
}

/// Whether a file can be made here, as far as can be told before there is anything to write.
///
/// # Errors
/// There is one of this name, or no folder for it.
pub(super) fn vacant(path: &Path) -> Result<(), Stop> {
    let told = |message: &str, help: &str| {
        let problem = Problem::new(DAMAGED, message, path.display().to_string());
        Err(Stop::problems(2, vec![problem.help(help)]))
    };
    // A link that leads nowhere is something, too.
    if path.symlink_metadata().is_ok() {
        return told(
            "the file exists already",
            "material that is there may be unused, and is not overwritten: give another name, or remove it",
        );
    }
    let folder = path.parent().filter(|f| !f.as_os_str().is_empty());
    match folder {
        Some(folder) if !folder.is_dir() => told("there is no such folder", "make it first"),
        _ => Ok(()),
    }
}

/// Material as it is being prepared. The file appears under its name when it is complete.
pub struct Writer {
    path: PathBuf,
    temporary: PathBuf,
    out: Option<Sealer<BufWriter<File>>>,
    own: Option<Seed>,
}

impl Writer {
    /// Begins a file. `own` is the endpoint's own key, which the online part goes on with.
    ///
    /// # Errors
    /// The file cannot be written, or there is one of that name.
    pub fn create(path: &Path, key: &StorageKey, to: &Belongs) -> Result<Self, Failure> {
        if path.exists() {
            return Err(failure(
                DAMAGED,
                format!("{}: the file exists already", path.display()),
            ));
        }
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let temporary = PathBuf::from(name);
        let file =
            private(&temporary).map_err(|e| io(&temporary, "the file cannot be made", &e))?;
        let mut own = [0; 16];
        getrandom::fill(&mut own)
            .map_err(|_| Failure::setup("the operating system gave no randomness"))?;
        // From here on a failure removes the file.
        let mut writer = Self {
            path: path.to_owned(),
            temporary,
            out: None,
            own: Some(Seed::from_bytes(own)),
        };
        let begun = Sealer::create(BufWriter::new(file), key).and_then(|mut out| {
            let length = u32::try_from(to.party.len()).unwrap_or(u32::MAX);
            out.write_all(&length.to_le_bytes())?;
            out.write_all(to.party.as_bytes())?;
            out.write_all(&to.agreement)?;
            out.write_all(&to.session)?;
            out.write_all(&own)?;
            Ok(out)
        });
        own.zeroize();
        writer.out = Some(begun.map_err(|e| writer.unwritten(&e))?);
        Ok(writer)
    }

    fn unwritten(&self, error: &std::io::Error) -> Failure {
        unwritten(&self.path, error)
    }

    /// The endpoint's own key, once.
    fn own_key(&mut self) -> Option<Seed> {
        self.own.take()
    }

    /// Keeps one message.
    fn message(&mut self, peer: usize, contents: &[u8]) -> std::io::Result<()> {
        let Some(out) = &mut self.out else {
            return Err(std::io::ErrorKind::BrokenPipe.into());
        };
        out.write_all(&(peer as u32).to_le_bytes())?;
        out.write_all(&(contents.len() as u64).to_le_bytes())?;
        out.write_all(contents)
    }

    /// Ends the file on disk, still under a temporary name; dropped before [`Complete::commit`], it
    /// is removed.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn complete(mut self) -> Result<Complete, Failure> {
        let Some(out) = self.out.take() else {
            return Err(self.unwritten(&std::io::ErrorKind::BrokenPipe.into()));
        };
        let ended = out
            .finish()
            .and_then(|file| file.into_inner().map_err(|e| e.into_error()))
            .and_then(|file| file.sync_all());
        ended.map_err(|e| self.unwritten(&e))?;
        Ok(Complete(self))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // After the file got its name there is nothing to remove; before, nothing worth keeping.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// A complete file that has not got its name yet.
pub struct Complete(Writer);

impl Complete {
    /// Gives the file its name.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn commit(self) -> Result<(), Failure> {
        let writer = self.0;
        fs::rename(&writer.temporary, &writer.path)
            .and_then(|()| sync_folder(&writer.path))
            .map_err(|e| writer.unwritten(&e))
    }
}

/// Makes a file that only its owner reads.
fn private(path: &Path) -> std::io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

/// Makes a rename in the file's folder last.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Windows opens no folder as a file; there the rename itself is all one can ask for.
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Prepared material, read as it is used.
pub struct Reader {
    path: PathBuf,
    input: Opener<BufReader<File>>,
    belongs: Belongs,
    own: Option<Seed>,
}

impl Reader {
    /// Opens a file and reads to what it belongs. It is not used up by that.
    ///
    /// # Errors
    /// There is no such file, it is used up, or it was not sealed under this key.
    pub fn open(path: &Path, key: &StorageKey) -> Result<Self, Failure> {
        let gone = || {
            let message = format!("{}: the prepared material is used up", path.display());
            failure(USED, message)
        };
        let file = File::open(path).map_err(|error| match ledger::used(path).exists() {
            true => gone(),
            false => io(path, "the material cannot be read", &error),
        })?;
        // What a run leaves of it.
        if ledger::is_used(path) && file.metadata().is_ok_and(|file| file.len() == 0) {
            return Err(gone());
        }
        let begun = Opener::open(BufReader::new(file), key).and_then(|mut input| {
            let length = u32::from_le_bytes(array(&mut input)?) as usize;
            if length > NAME {
                return Err(std::io::ErrorKind::InvalidData.into());
            }
            let mut name = vec![0; length];
            input.read_exact(&mut name)?;
            let party = String::from_utf8(name).map_err(|_| std::io::ErrorKind::InvalidData)?;
            let agreement = array(&mut input)?;
            let session = array(&mut input)?;
            let own = Seed::from_bytes(array(&mut input)?);
            let belongs = Belongs {
                party,
                agreement,
                session,
            };
            Ok((input, belongs, own))
        });
        let (input, belongs, own) = begun.map_err(|_| {
            let message = format!(
                "{}: the material is damaged, or was sealed under another key",
                path.display()
            );
            failure(DAMAGED, message)
        })?;
        Ok(Self {
            path: path.to_owned(),
            input,
            belongs,
            own: Some(own),
        })
    }

    /// To what the material belongs.
    pub fn belongs(&self) -> &Belongs {
        &self.belongs
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn own_key(&mut self) -> Option<Seed> {
        self.own.take()
    }

    /// The sender of the next message and its length.
    fn head(&mut self) -> std::io::Result<(usize, u64)> {
        let peer = u32::from_le_bytes(array(&mut self.input)?);
        let length = u64::from_le_bytes(array(&mut self.input)?);
        Ok((peer as usize, length))
    }

    fn contents(&mut self, length: usize) -> std::io::Result<Vec<u8>> {
        // The length is authentic, but of no use if the file ends before it: grow as it comes.
        let mut contents = vec![];
        let wanted = length as u64;
        let read = (&mut self.input).take(wanted).read_to_end(&mut contents)?;
        if read == length {
            Ok(contents)
        } else {
            Err(std::io::ErrorKind::UnexpectedEof.into())
        }
    }
}

fn array<const N: usize>(input: &mut impl Read) -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
