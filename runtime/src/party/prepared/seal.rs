//! A file as a sequence of sealed pieces.
//!
//! ChaCha20-Poly1305 under a key of the file's own (HKDF of the storage key and a random salt). The
//! nonce counts the pieces and marks the last one, so that none can be left out, moved or cut off:
//! the STREAM construction of Hoang, Reyhanitabar, Rogaway, Vizár, CRYPTO 2015.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{DAMAGED, failure, private, sync_folder};
use crate::endpoint::Failure;

/// First bytes of a file.
const MAGIC: &[u8; 16] = b"smpc prepared 1\n";

/// Contents of a piece, but the last.
const PIECE: usize = 1 << 16;

/// Bytes that sealing adds.
const TAG: usize = 16;

/// The key that a party's material is sealed under at rest.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct StorageKey([u8; 32]);

impl StorageKey {
    /// Reads a key file: 64 hexadecimal digits, readable by its owner only.
    ///
    /// # Errors
    /// The file cannot be read, others may read it, or it is no key.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let told = |text: &str| failure(DAMAGED, format!("{}: {text}", path.display()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let about = fs::metadata(path)
                .map_err(|e| told(&format!("the storage key cannot be read: {e}")))?;
            if about.permissions().mode() & 0o077 != 0 {
                return Err(told(
                    "others may read this storage key: make it private with `chmod 600`",
                ));
            }
        }
        let mut text = fs::read_to_string(path)
            .map_err(|e| told(&format!("the storage key cannot be read: {e}")))?;
        let mut key = [0; 32];
        let digits = text.trim();
        let fits = digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        for (byte, at) in key.iter_mut().zip((0..64).step_by(2)) {
            let pair = digits.get(at..at + 2).unwrap_or("");
            *byte = u8::from_str_radix(pair, 16).unwrap_or(0);
        }
        text.zeroize();
        if fits {
            Ok(Self(key))
        } else {
            Err(told("a storage key is 64 hexadecimal digits"))
        }
    }

    #[cfg(test)]
    pub(super) fn of(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    fn of_file(&self, salt: &[u8; 32]) -> Result<LessSafeKey, io::Error> {
        let failed = |_| io::Error::other("the key cannot be derived");
        let extracted = Salt::new(HKDF_SHA256, salt).extract(&self.0);
        let expanded = extracted
            .expand(&[MAGIC], &CHACHA20_POLY1305)
            .map_err(failed)?;
        Ok(LessSafeKey::new(UnboundKey::from(expanded)))
    }
}

/// A new key as a file holds it.
///
/// # Errors
/// The system has no randomness.
pub fn storage_key() -> Result<Zeroizing<String>, Failure> {
    let mut key = [0; 32];
    getrandom::fill(&mut key)
        .map_err(|_| Failure::setup("the operating system gave no randomness"))?;
    let text = super::hex(&key) + "\n";
    key.zeroize();
    Ok(Zeroizing::new(text))
}

/// Makes a new key file. One that is there already stays.
///
/// # Errors
/// The file exists or cannot be written, or the system has no randomness.
pub fn create_key(path: &Path) -> Result<(), Failure> {
    let text = storage_key()?;
    let written = private(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        sync_folder(path)
    });
    written.map_err(|e| failure(DAMAGED, format!("{}: {e}", path.display())))
}

fn nonce(piece: u64, last: bool) -> Nonce {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&piece.to_le_bytes());
    bytes[8] = u8::from(last);
    Nonce::assume_unique_for_key(bytes)
}

/// Seals what is written to it.
pub(super) struct Sealer<W: Write> {
    out: W,
    key: LessSafeKey,
    pieces: u64,
    open: Vec<u8>,
}

impl<W: Write> Sealer<W> {
    pub(super) fn create(mut out: W, key: &StorageKey) -> io::Result<Self> {
        let mut salt = [0; 32];
        getrandom::fill(&mut salt).map_err(|_| io::Error::other("no randomness"))?;
        out.write_all(MAGIC)?;
        out.write_all(&salt)?;
        Ok(Self {
            out,
            key: key.of_file(&salt)?,
            pieces: 0,
            open: Vec::with_capacity(PIECE + TAG),
        })
    }

    fn seal(&mut self, last: bool) -> io::Result<()> {
        self.key
            .seal_in_place_append_tag(nonce(self.pieces, last), Aad::empty(), &mut self.open)
            .map_err(|_| io::Error::other("a piece cannot be sealed"))?;
        self.pieces += 1;
        self.out.write_all(&self.open)?;
        self.open.clear();
        Ok(())
    }

    /// The last piece, shorter than the others, ends the file.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.seal(true)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = PIECE - self.open.len();
        let taken = bytes.len().min(room);
        self.open.extend_from_slice(&bytes[..taken]);
        if self.open.len() == PIECE {
            self.seal(false)?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        // A piece is sealed when it is full: nothing half full may leave.
        Ok(())
    }
}

/// Reads what a [`Sealer`] wrote. Contents are given out only once they are known to be authentic.
pub(super) struct Opener<R: Read> {
    input: R,
    key: LessSafeKey,
    pieces: u64,
    open: Vec<u8>,
    at: usize,
    ended: bool,
}

impl<R: Read> Opener<R> {
    pub(super) fn open(mut input: R, key: &StorageKey) -> io::Result<Self> {
        let magic: [u8; 16] = super::array(&mut input)?;
        if &magic != MAGIC {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let salt = super::array(&mut input)?;
        Ok(Self {
            input,
            key: key.of_file(&salt)?,
            pieces: 0,
            open: vec![],
            at: 0,
            ended: false,
        })
    }

    fn next(&mut self) -> io::Result<()> {
        self.open.clear();
        self.at = 0;
        let whole = (PIECE + TAG) as u64;
        (&mut self.input).take(whole).read_to_end(&mut self.open)?;
        // Full pieces are followed by another; the last is never full.
        let last = self.open.len() < PIECE + TAG;
        let length = self
            .key
            .open_in_place(nonce(self.pieces, last), Aad::empty(), &mut self.open)
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?
            .len();
        self.open.truncate(length);
        self.pieces += 1;
        self.ended = last;
        Ok(())
    }
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.open.len() {
            if self.ended {
                return Ok(0);
            }
            self.next()?;
        }
        let taken = into.len().min(self.open.len() - self.at);
        into[..taken].copy_from_slice(&self.open[self.at..self.at + taken]);
        self.at += taken;
        Ok(taken)
    }
}

impl<R: Read> Drop for Opener<R> {
    fn drop(&mut self) {
        self.open.zeroize();
    }
}
