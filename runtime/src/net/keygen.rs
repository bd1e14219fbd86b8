//! A test PKI: one self-signed certificate for each party. Parties that do not trust one another
//! make their own keys and exchange certificates.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{CertificateParams, DnType, KeyPair};
use zeroize::Zeroizing;

use super::error::NetError;
use super::peers::address;
use crate::party::prepared::storage_key;

/// When a certificate is valid.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// From.
    pub from: SystemTime,
    /// Until.
    pub until: SystemTime,
}

impl Span {
    /// So many days from now on, and since yesterday: clocks differ.
    pub fn days(days: u32) -> Self {
        const DAY: Duration = Duration::from_secs(86_400);
        let now = SystemTime::now();
        Self {
            from: now.checked_sub(DAY).unwrap_or(UNIX_EPOCH),
            until: now.checked_add(DAY * days).unwrap_or(now),
        }
    }
}

/// A certificate and its private key.
pub struct Identity {
    der: Vec<u8>,
    /// The certificate in PEM.
    pub certificate_pem: String,
    /// The private key in PEM.
    pub key_pem: Zeroizing<String>,
}

impl Identity {
    /// The certificate in DER.
    pub fn certificate(&self) -> &[u8] {
        &self.der
    }
}

/// Makes a key (ECDSA on P-256) and a certificate that says `name`.
///
/// # Errors
/// The system has no randomness.
pub fn generate(name: &str, span: Span) -> Result<Identity, NetError> {
    let failed = |e: rcgen::Error| NetError::own(format!("no key was made for {name}: {e}"));
    let mut params = CertificateParams::new(vec![]).map_err(failed)?;
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = span.from.into();
    params.not_after = span.until.into();
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = params.self_signed(&key).map_err(failed)?;
    Ok(Identity {
        der: certificate.der().to_vec(),
        certificate_pem: certificate.pem(),
        key_pem: Zeroizing::new(key.serialize_pem()),
    })
}

/// Writes `NAME.pem`, `NAME.key` and the storage key `NAME.store` (which only their owner reads) for each party,
/// and a `peers.toml` with these addresses, into a folder: all of them or none. Nothing is overwritten.
///
/// # Errors
/// A name is none of a party, an address is no `HOST:PORT` or given twice, a file exists or cannot be written.
pub fn write(folder: &Path, parties: &[(String, String)], span: Span) -> Result<(), NetError> {
    let mut files: Vec<File> = vec![];
    let mut entries = vec![];
    for (at, (name, own)) in parties.iter().enumerate() {
        if !is_party(name) {
            let message =
                format!("`{name}` is no name of a party: expected one such as alice or P[0]");
            return Err(NetError::own(message));
        }
        address(own).map_err(|why| NetError::own(format!("the address of {name}: {why}")))?;
        for (other, theirs) in &parties[..at] {
            if name == other {
                return Err(NetError::own(format!("party `{name}` is named twice")));
            }
            if own == theirs {
                return Err(NetError::own(format!(
                    "{name} has the address of {other}: {own}"
                )));
            }
        }
        let identity = generate(name, span)?;
        let certificate = format!("{name}.pem");
        entries.push(format!(
            "[party.{}]\naddress = {}\ncertificate = {}\n",
            quoted(name),
            quoted(own),
            quoted(&certificate)
        ));
        let stored = storage_key().map_err(|failure| NetError::own(failure.message))?;
        files.push(File::new(
            folder,
            &format!("{name}.key"),
            identity.key_pem,
            true,
        ));
        files.push(File::new(folder, &format!("{name}.store"), stored, true));
        let public = Zeroizing::new(identity.certificate_pem);
        files.push(File::new(folder, &certificate, public, false));
    }
    let peers = Zeroizing::new(entries.join("\n"));
    files.push(File::new(folder, "peers.toml", peers, false));
    std::fs::create_dir_all(folder)
        .map_err(|e| NetError::own(format!("{}: {e}", folder.display())))?;
    let mut written = Written(vec![]);
    for file in &files {
        // Who created the file removes it again: it was not there before.
        let mut made = file.create().map_err(|e| file.failed(&e))?;
        written.0.push(&file.path);
        made.write_all(file.contents.as_bytes())
            .and_then(|()| made.sync_all())
            .map_err(|e| file.failed(&e))?;
    }
    written.0.clear();
    Ok(())
}

/// Whether it may name a party: an identifier, with a number behind it if it is one of a family.
fn is_party(name: &str) -> bool {
    let (base, member) = match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
        Some((base, member)) => (base, Some(member)),
        None => (name, None),
    };
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    base.chars().all(letter)
        && base.starts_with(|c: char| !c.is_ascii_digit())
        && member.is_none_or(digits)
}

/// A string of TOML.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A file to be made.
struct File {
    path: PathBuf,
    contents: Zeroizing<String>,
    secret: bool,
}

impl File {
    fn new(folder: &Path, name: &str, contents: Zeroizing<String>, secret: bool) -> Self {
        Self {
            path: folder.join(name),
            contents,
            secret,
        }
    }

    fn create(&self) -> std::io::Result<std::fs::File> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if self.secret {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        options.open(&self.path)
    }

    fn failed(&self, error: &std::io::Error) -> NetError {
        NetError::own(format!("{}: {error}", self.path.display()))
    }
}

/// Files that are removed unless all of them could be written.
struct Written<'a>(Vec<&'a Path>);

impl Drop for Written<'_> {
    fn drop(&mut self) {
        for path in &self.0 {
            // What stays all the same is named by the next attempt.
            let _ = std::fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("smpc-keygen-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        folder
    }

    fn count(folder: &Path) -> usize {
        std::fs::read_dir(folder).map_or(0, Iterator::count)
    }

    fn attempt(folder: &Path, parties: &[(&str, &str)]) -> Result<(), String> {
        let parties = parties.iter();
        let parties: Vec<(String, String)> = parties
            .map(|(name, address)| ((*name).to_owned(), (*address).to_owned()))
            .collect();
        write(folder, &parties, Span::days(1)).map_err(|e| e.message().to_owned())
    }

    #[test]
    fn what_cannot_work_is_not_written() {
        let folder = folder("wrong");
        let good = ("alice", "127.0.0.1:7001");
        for name in [
            "", "a b", "../x", ".a", "1a", "a[", "a[]", "a[x]", "a[0]]", "a=b", "größe",
        ] {
            let told = attempt(&folder, &[good, (name, "h:1")]).unwrap_err();
            assert!(told.contains("no name of a party"), "{told}");
        }
        for address in [
            "",
            "localhost",
            "h:",
            ":1",
            "h:0",
            "h:65536",
            "h:+1",
            "a b:1",
            "::1:5",
            "[::g]:1",
        ] {
            let told = attempt(&folder, &[good, ("bob", address)]).unwrap_err();
            assert!(told.starts_with("the address of bob: "), "{told}");
        }
        let told = attempt(&folder, &[good, ("bob", good.1)]).unwrap_err();
        assert_eq!(told, "bob has the address of alice: 127.0.0.1:7001");
        let told = attempt(&folder, &[good, ("alice", "h:1")]).unwrap_err();
        assert_eq!(told, "party `alice` is named twice");
        assert_eq!(count(&folder), 0);
    }

    #[test]
    fn all_files_or_none() {
        let folder = folder("none");
        for last in ["peers.toml", "P[0].store"] {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(last), "mine").unwrap();
            let told = attempt(&folder, &[("alice", "h:1"), ("P[0]", "[::1]:2")]).unwrap_err();
            assert!(told.contains(last), "{told}");
            assert_eq!(count(&folder), 1);
            assert_eq!(std::fs::read_to_string(folder.join(last)).unwrap(), "mine");
            std::fs::remove_dir_all(&folder).unwrap();
        }
    }

    /// Parties that make their keys apart put their entries together by `cat`.
    #[test]
    fn entries_can_be_concatenated() {
        let folders = [folder("first"), folder("second")];
        let mut both = String::new();
        for (folder, name, address) in [(&folders[0], "alice", "h:1"), (&folders[1], "bob", "h:2")]
        {
            attempt(folder, &[(name, address)]).unwrap();
            both += &std::fs::read_to_string(folder.join("peers.toml")).unwrap();
        }
        std::fs::copy(folders[1].join("bob.pem"), folders[0].join("bob.pem")).unwrap();
        let peers = folders[0].join("peers.toml");
        std::fs::write(&peers, both).unwrap();
        let read = crate::net::Peers::read(&peers).unwrap();
        assert_eq!(read.names().collect::<Vec<_>>(), ["alice", "bob"]);
        for folder in folders {
            std::fs::remove_dir_all(folder).unwrap();
        }
    }
}
