//! Material is kept as it came, given out once, and refused when anything about it is wrong.

use super::*;
use crate::channel::{Channel, Fault, in_memory};

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("smpc-prepared-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn belongs() -> Belongs {
    Belongs {
        party: "alice".into(),
        agreement: [3; 32],
        session: [9; SESSION],
    }
}

/// A file with two messages of party 2 and one of party 1 between them.
fn prepare(folder: &Path) -> (PathBuf, StorageKey) {
    let (path, key) = (folder.join("alice.prepared"), StorageKey::of([7; 32]));
    let mut ends = in_memory(3);
    let big = vec![5; 200_000];
    ends[2].send_ahead(0, big).unwrap();
    ends[1].send_ahead(0, vec![1, 2]).unwrap();
    ends[2].send_ahead(0, vec![3]).unwrap();
    let writer = Writer::create(&path, &key, &belongs()).unwrap();
    let mut recording = Recording::new(&mut ends[0], writer);
    assert!(recording.own_key().is_some() && recording.own_key().is_none());
    recording.receive_ahead(2, 200_000).unwrap();
    recording.receive_ahead(1, 2).unwrap();
    recording.receive_ahead(2, 1).unwrap();
    let (writer, failed) = recording.into_writer();
    assert!(failed.is_none() && !path.exists());
    writer.complete().unwrap().commit().unwrap();
    (path, key)
}

#[test]
fn what_was_kept_comes_back_in_the_order_asked_for() {
    let folder = folder("order");
    let (path, key) = prepare(&folder);
    let reader = Reader::open(&path, &key).unwrap();
    assert_eq!(reader.belongs(), &belongs());
    let mut ends = in_memory(3);
    let mut channel = Replaying::new(&mut ends[0], reader);
    assert_eq!(channel.receive_ahead(1, 2).unwrap(), [1, 2]);
    assert_eq!(channel.receive_ahead(2, 200_000).unwrap().len(), 200_000);
    let wrong = channel.receive_ahead(2, 2).unwrap_err();
    assert_eq!((wrong.peer, wrong.fault), (2, Fault::Prepared));
    // Nothing is sent twice.
    channel.send_ahead(1, vec![0]).unwrap();
    drop(channel);
    drop(ends.remove(0));
    assert_eq!(ends[0].receive(0, 1).unwrap_err().fault, Fault::Gone);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn material_is_used_once() {
    let folder = folder("once");
    let (path, key) = prepare(&folder);
    let copy = folder.join("copy");
    fs::copy(&path, &copy).unwrap();
    let storage = folder.join("alice.store");
    let both = [
        Reader::open(&path, &key).unwrap(),
        Reader::open(&path, &key).unwrap(),
    ];
    consume(&both[0], &storage).unwrap();
    assert_eq!(consume(&both[1], &storage).unwrap_err().code, USED);
    assert_eq!(Reader::open(&path, &key).err().unwrap().code, USED);
    let restored = Reader::open(&copy, &key).unwrap();
    assert_eq!(consume(&restored, &storage).unwrap_err().code, USED);
    let [reader, _] = both;
    let mut ends = in_memory(3);
    drop(Replaying::new(&mut ends[0], reader));
    assert_eq!(fs::metadata(ledger::used(&path)).unwrap().len(), 0);
    // Its own name says what became of it; an empty file of another name is no material.
    let left = Reader::open(&ledger::used(&path), &key).err().unwrap();
    assert_eq!(left.code, USED);
    assert!(left.message.ends_with("is used up"), "{}", left.message);
    let empty = folder.join("empty");
    fs::write(&empty, "").unwrap();
    assert_eq!(Reader::open(&empty, &key).err().unwrap().code, DAMAGED);
    // Before the run ends it is not empty, and the ledger says so.
    fs::copy(&copy, ledger::used(&path)).unwrap();
    let stopped = Reader::open(&ledger::used(&path), &key).unwrap();
    assert_eq!(consume(&stopped, &storage).unwrap_err().code, USED);
    fs::remove_dir_all(folder).unwrap();
}

/// A line that a crash or a full disk tore hides neither the next session nor the one it was.
#[test]
fn a_torn_ledger_forgets_nothing() {
    let folder = folder("torn");
    let (path, key) = prepare(&folder);
    let (storage, consumed) = (folder.join("alice.store"), folder.join("alice.consumed"));
    let copies = [folder.join("copy"), folder.join("another")];
    for copy in &copies {
        fs::copy(&path, copy).unwrap();
    }
    let session = hex(&belongs().session);
    let (old, torn) = ("ab".repeat(SESSION), &session[..17]);
    fs::write(&consumed, format!("{old}\n{torn}")).unwrap();
    consume(&Reader::open(&path, &key).unwrap(), &storage).unwrap();
    let text = fs::read_to_string(&consumed).unwrap();
    assert_eq!(text, format!("{old}\n{torn}\n{session}\n"));
    let restored = Reader::open(&copies[0], &key).unwrap();
    assert_eq!(consume(&restored, &storage).unwrap_err().code, USED);
    // What an older version left: the line stuck to the torn one.
    fs::write(&consumed, format!("{old}\n{torn}{session}\n")).unwrap();
    assert_eq!(consume(&restored, &storage).unwrap_err().code, USED);
    assert!(copies[0].exists());
    fs::remove_dir_all(folder).unwrap();
}

/// As many processes as copies of one material, all at once: one of them has it.
#[test]
fn of_many_copies_one_is_used() {
    let folder = folder("copies");
    let (path, key) = prepare(&folder);
    let storage = folder.join("alice.store");
    let readers: Vec<Reader> = (0..16)
        .map(|at| {
            let copy = folder.join(format!("copy{at}"));
            fs::copy(&path, &copy).unwrap();
            Reader::open(&copy, &key).unwrap()
        })
        .collect();
    let start = std::sync::Barrier::new(readers.len());
    let used = std::thread::scope(|scope| {
        let (start, storage) = (&start, &storage);
        let one = |reader| {
            scope.spawn(move || {
                start.wait();
                consume(reader, storage).map_err(|e| e.code)
            })
        };
        let all: Vec<_> = readers.iter().map(one).collect();
        all.into_iter()
            .map(|one| one.join().unwrap())
            .collect::<Vec<_>>()
    });
    assert_eq!(used.iter().filter(|one| one.is_ok()).count(), 1, "{used:?}");
    assert!(used.iter().all(|one| *one != Err(DAMAGED)), "{used:?}");
    let text = fs::read_to_string(folder.join("alice.consumed")).unwrap();
    assert_eq!(text, hex(&belongs().session) + "\n");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn whatever_is_changed_is_refused() {
    let folder = folder("changed");
    let (path, key) = prepare(&folder);
    let good = fs::read(&path).unwrap();
    assert!(!good.windows(64).any(|w| w.iter().all(|b| *b == 5)));
    let read_all = |bytes: &[u8], key: &StorageKey| -> std::io::Result<usize> {
        let mut all = vec![];
        Opener::open(bytes, key)?.read_to_end(&mut all)
    };
    assert!(read_all(&good, &key).is_ok());
    assert!(read_all(&good, &StorageKey::of([8; 32])).is_err());
    for cut in [0, 10, 40, 100, good.len() - 1, 48 + (1 << 16) + 16] {
        assert!(read_all(&good[..cut], &key).is_err(), "cut at {cut}");
    }
    for at in [0, 20, 60, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert!(read_all(&bad, &key).is_err(), "byte {at}");
    }
    fs::write(&path, &good[..60]).unwrap();
    assert_eq!(Reader::open(&path, &key).err().unwrap().code, DAMAGED);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_key_is_private_and_whole() {
    let folder = folder("key");
    let path = folder.join("alice.store");
    create_key(&path).unwrap();
    assert!(create_key(&path).is_err());
    StorageKey::read(&path).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(StorageKey::read(&path).is_err());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    fs::write(&path, "12\n").unwrap();
    assert_eq!(StorageKey::read(&path).err().unwrap().code, DAMAGED);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn an_abandoned_preparation_leaves_nothing() {
    let folder = folder("abandoned");
    let path = folder.join("alice.prepared");
    let key = StorageKey::of([7; 32]);
    drop(Writer::create(&path, &key, &belongs()).unwrap());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    fs::remove_dir_all(folder).unwrap();
}
