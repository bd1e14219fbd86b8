//! Who the parties are: addresses and pinned certificates from `peers.toml`, and this party's key.

use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::certificate::{Validity, date, validity};
use super::error::NetError;

/// The parties of a network, as `peers.toml` lists them.
#[derive(Clone, Debug)]
pub struct Peers {
    file: PathBuf,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub name: String,
    pub address: String,
    pub certificate: CertificateDer<'static>,
    validity: Validity,
}

impl Entry {
    /// Why the certificate is not valid at this moment.
    pub fn invalid(&self, now: i64) -> Option<String> {
        let Validity { from, until } = self.validity;
        if now < from {
            Some(format!(
                "the certificate is valid from {} on only",
                date(from)
            ))
        } else if now > until {
            Some(format!("the certificate has expired on {}", date(until)))
        } else {
            None
        }
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX))
}

impl Peers {
    /// Reads `peers.toml` and the certificates it names, which are relative to it.
    ///
    /// # Errors
    /// A file cannot be read, an entry is malformed, two parties have one certificate.
    pub fn read(path: &Path) -> Result<Self, NetError> {
        let at = |message: String| NetError::own(format!("{}: {message}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|e| at(e.to_string()))?;
        let table: toml::Table =
            toml::from_str(&text).map_err(|e| at(e.to_string().trim_end().to_owned()))?;
        if let Some(other) = table.keys().find(|key| *key != "party") {
            return Err(at(format!("`{other}` is unknown: only `party` is read")));
        }
        let parties = table.get("party").and_then(toml::Value::as_table);
        let parties = parties.ok_or_else(|| at("there is no `[party.NAME]`".to_owned()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut entries: Vec<Entry> = vec![];
        for (name, entry) in parties {
            let field = |field: &str| {
                let value = entry.get(field).and_then(toml::Value::as_str);
                value.ok_or_else(|| at(format!("party `{name}` has no text `{field}`")))
            };
            let known = ["address", "certificate"];
            let mut fields = entry.as_table().into_iter().flat_map(toml::Table::keys);
            if let Some(other) = fields.find(|f| !known.contains(&f.as_str())) {
                return Err(at(format!("party `{name}` has an unknown `{other}`")));
            }
            let (address, file) = (
                field("address")?.to_owned(),
                folder.join(field("certificate")?),
            );
            self::address(&address).map_err(|why| at(format!("party `{name}`: {why}")))?;
            if let Some(twin) = entries.iter().find(|e| e.address == address) {
                let message = format!("{name} has the address of {}: {address}", twin.name);
                return Err(at(message));
            }
            let bad = |e: &dyn std::fmt::Display| {
                NetError::own(format!("{} (certificate of {name}): {e}", file.display()))
            };
            let found = CertificateDer::pem_file_iter(&file).map_err(|e| bad(&e))?;
            let found: Vec<_> = found.collect::<Result<_, _>>().map_err(|e| bad(&e))?;
            // A chain has no use here, and which of two a peer will show cannot be known.
            let [certificate] = <[_; 1]>::try_from(found).map_err(|found: Vec<_>| {
                bad(&match found.len() {
                    0 => unread(&file, Pem::Certificate)
                        .unwrap_or_else(|| "no certificate found".to_owned()),
                    count => {
                        format!("{count} certificates, where one is expected: the party's own")
                    }
                })
            })?;
            let validity = validity(&certificate).ok_or_else(|| bad(&"no X.509 certificate"))?;
            if let Some(twin) = entries.iter().find(|e| e.certificate == certificate) {
                let message = format!("{name} has the certificate of {}", twin.name);
                return Err(at(message));
            }
            entries.push(Entry {
                name: name.clone(),
                address,
                certificate,
                validity,
            });
        }
        Ok(Self {
            file: path.to_owned(),
            entries,
        })
    }

    /// The files of certificates that `peers.toml` names, whatever else is wrong with it.
    pub(crate) fn certificates(path: &Path) -> Vec<PathBuf> {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let table: toml::Table = toml::from_str(&text).unwrap_or_default();
        let parties = table.get("party").and_then(toml::Value::as_table);
        let entries = parties.into_iter().flat_map(toml::Table::values);
        let files = entries.filter_map(|entry| entry.get("certificate")?.as_str());
        files
            .map(|file| path.with_file_name("").join(file))
            .collect()
    }

    /// Names of the parties.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|e| e.name.as_str())
    }

    /// Where a party's private key is if nothing else is said: `NAME.key` beside `peers.toml`.
    pub fn default_key(&self, name: &str) -> PathBuf {
        self.file.with_file_name(format!("{name}.key"))
    }

    /// The entries of these parties, in their order; every certificate is valid now.
    pub(crate) fn entries(&self, names: &[String]) -> Result<Vec<Entry>, NetError> {
        let now = now();
        let entry = |name: &String| {
            let entry = self.entries.iter().find(|e| e.name == *name);
            let at = self.file.display();
            let entry =
                entry.ok_or_else(|| NetError::own(format!("{at}: party `{name}` is missing")))?;
            match entry.invalid(now) {
                Some(why) => Err(NetError::identity(name, why)),
                None => Ok(entry.clone()),
            }
        };
        names.iter().map(entry).collect()
    }
}

/// Whether an address is a host name or IP address (version 6 in brackets) and a port, as in `HOST:PORT`.
///
/// # Errors
/// Why it is none.
pub(crate) fn address(text: &str) -> Result<(), String> {
    let fail = |why: &str| Err(format!("`{text}` is no HOST:PORT: {why}"));
    let Some((host, port)) = text.rsplit_once(':') else {
        return fail("there is no port");
    };
    let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    if !digits || !port.parse::<u16>().is_ok_and(|port| port > 0) {
        return fail("ports are 1 to 65535");
    }
    let name = |c: char| c.is_alphanumeric() || "-._".contains(c);
    let known = match host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        Some(host) => host
            .split('%')
            .next()
            .is_some_and(|h| h.parse::<Ipv6Addr>().is_ok()),
        None => !host.is_empty() && host.chars().all(name),
    };
    if known {
        Ok(())
    } else {
        fail("the host is neither a name nor an IP address (version 6 in brackets)")
    }
}

/// Reads a private key in PEM (PKCS#8, PKCS#1 or SEC1), which only its owner may read.
pub(crate) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, NetError> {
    #[cfg(unix)]
    if let Ok(data) = std::fs::metadata(path) {
        use std::os::unix::fs::PermissionsExt as _;
        if data.permissions().mode() & 0o077 != 0 {
            let path = path.display();
            return Err(NetError::own(format!(
                "{path}: others may read this private key: make it private with `chmod 600`"
            )));
        }
    }
    let key = PrivateKeyDer::from_pem_file(path);
    key.map_err(|e| {
        let why = unread(path, Pem::Key).unwrap_or_else(|| e.to_string());
        NetError::own(format!("{} (private key): {why}", path.display()))
    })
}

/// What a file in PEM is to hold.
#[derive(Clone, Copy)]
enum Pem {
    Key,
    Certificate,
}

/// Why there is none in a file, where the file says so itself.
fn unread(path: &Path, what: Pem) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    let has = |text: &str| {
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    let shown = path.display();
    let (kind, command) = match what {
        Pem::Key => ("private key", "pkey"),
        Pem::Certificate => ("certificate", "x509"),
    };
    let encrypted = has("ENCRYPTED PRIVATE KEY") || has("Proc-Type: 4,ENCRYPTED");
    if matches!(what, Pem::Key) && encrypted {
        return Some(format!(
            "the key is encrypted, and there is nobody to ask for its password: `openssl pkey -in {shown} -out PLAIN.key` writes one that is not"
        ));
    }
    // A sequence of ASN.1.
    if bytes.first() == Some(&0x30) && !has("-----BEGIN") {
        return Some(format!(
            "this is DER, and PEM is expected: `openssl {command} -inform DER -in {shown} -out NEW`"
        ));
    }
    (!has("-----BEGIN")).then(|| format!("there is no {kind} in PEM (`-----BEGIN ...`)"))
}
