use super::*;

/// Of tests in which nobody is waited for.
fn write_all(files: &[(PathBuf, Vec<u8>)]) -> Result<(), Problem> {
    super::write_all(files, Patience::default())
}

fn stage(files: &[(PathBuf, Vec<u8>)]) -> Result<Staged, Problem> {
    super::stage(files, Patience::default())
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("smpc-store-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn all_files_appear_and_nothing_else() {
    let base = folder("all");
    fs::write(base.join("a.csv"), "old").unwrap();
    let files = [
        (base.join("a.csv"), b"1\n".to_vec()),
        (base.join("x/y/b.csv"), b"2\n".to_vec()),
    ];
    write_all(&files).unwrap();
    assert_eq!(names(&base), ["a.csv", "x"]);
    assert_eq!(names(&base.join("x/y")), ["b.csv"]);
    assert_eq!(fs::read(base.join("a.csv")).unwrap(), b"1\n");
    fs::remove_dir_all(base).unwrap();
}

#[test]
fn an_error_leaves_everything_as_it_was() {
    let base = folder("error");
    fs::write(base.join("a.csv"), "old").unwrap();
    fs::create_dir(base.join("c.csv")).unwrap();
    let files = [
        (base.join("a.csv"), b"1\n".to_vec()),
        (base.join("new/b.csv"), b"2\n".to_vec()),
        (base.join("c.csv"), b"3\n".to_vec()),
    ];
    assert_eq!(write_all(&files).unwrap_err().code, "I15");
    assert_eq!(names(&base), ["a.csv", "c.csv"]);
    // The folder comes between: files that had their names lose them again.
    fs::remove_dir(base.join("c.csv")).unwrap();
    let staged = stage(&files).unwrap();
    assert_eq!(names(&base.join("new")).len(), 1);
    fs::create_dir(base.join("c.csv")).unwrap();
    fs::write(base.join("c.csv/inside"), "").unwrap();
    assert_eq!(staged.commit().unwrap_err().code, "I15");
    assert_eq!(names(&base), ["a.csv", "c.csv"]);
    assert_eq!(fs::read(base.join("a.csv")).unwrap(), b"old");
    fs::remove_dir_all(base).unwrap();
}

#[test]
fn what_is_to_go_goes_when_the_others_are_there() {
    let base = folder("goes");
    let old = || {
        for name in ["a.csv", "b.csv", "mine.csv"] {
            fs::write(base.join(name), "old").unwrap();
        }
    };
    let gone = || ["b.csv", "never.csv"].map(|name| base.join(name));
    old();
    let files = [(base.join("a.csv"), b"1\n".to_vec())];
    drop(stage(&files).unwrap().without(gone()));
    assert_eq!(names(&base), ["a.csv", "b.csv", "mine.csv"]);
    stage(&files).unwrap().without(gone()).commit().unwrap();
    assert_eq!(names(&base), ["a.csv", "mine.csv"]);
    // An error brings it back.
    old();
    let staged = stage(&files).unwrap().without(gone());
    let staged = staged.without([PathBuf::from("/dev/null/a.csv")]);
    assert_eq!(staged.commit().unwrap_err().code, "I15");
    assert_eq!(names(&base), ["a.csv", "b.csv", "mine.csv"]);
    assert_eq!(fs::read(base.join("a.csv")).unwrap(), b"old");
    assert_eq!(fs::read(base.join("b.csv")).unwrap(), b"old");
    fs::remove_dir_all(base).unwrap();
}

#[test]
fn what_is_dropped_leaves_nothing() {
    let base = folder("drop");
    drop(stage(&[(base.join("d/a.csv"), b"1\n".to_vec())]).unwrap());
    assert!(names(&base).is_empty());
    fs::remove_dir_all(base).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_stays_one() {
    let base = folder("device");
    let link = base.join("full");
    std::os::unix::fs::symlink("/dev/full", &link).unwrap();
    let files = [(base.join("a.csv"), vec![1]), (link.clone(), vec![2])];
    // Before anybody says that it is done.
    assert_eq!(stage(&files).unwrap_err().code, "I15");
    assert_eq!(names(&base), ["full"]);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    fs::remove_dir_all(base).unwrap();
}

#[cfg(unix)]
#[test]
fn a_link_stays_one() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let base = folder("link");
    fs::create_dir(base.join("far")).unwrap();
    fs::write(base.join("far/a.csv"), "old").unwrap();
    let private = fs::Permissions::from_mode(0o600);
    fs::set_permissions(base.join("far/a.csv"), private).unwrap();
    symlink("far/a.csv", base.join("a.csv")).unwrap();
    symlink("far/b.csv", base.join("b.csv")).unwrap();
    let files = ["a.csv", "b.csv"].map(|name| (base.join(name), b"new".to_vec()));
    drop(stage(&files).unwrap());
    assert_eq!(fs::read(base.join("a.csv")).unwrap(), b"old");
    write_all(&files).unwrap();
    assert_eq!(names(&base), ["a.csv", "b.csv", "far"]);
    assert_eq!(names(&base.join("far")), ["a.csv", "b.csv"]);
    for name in ["a.csv", "b.csv"] {
        assert!(fs::symlink_metadata(base.join(name)).unwrap().is_symlink());
        assert_eq!(fs::read(base.join("far").join(name)).unwrap(), b"new");
    }
    let about = fs::metadata(base.join("far/a.csv")).unwrap();
    assert_eq!(about.permissions().mode() & 0o777, 0o600);
    fs::remove_dir_all(base).unwrap();
}

/// A file that is open already is written into: whoever has it open would see nothing of a new one.
#[cfg(target_os = "linux")]
#[test]
fn what_is_open_stays_itself() {
    use std::os::fd::AsRawFd as _;
    let base = folder("open");
    let path = base.join("log");
    let mut open = File::create(&path).unwrap();
    open.write_all(b"first\n").unwrap();
    let link = base.join("link");
    let descriptor = format!("/proc/self/fd/{}", open.as_raw_fd());
    std::os::unix::fs::symlink(descriptor, &link).unwrap();
    write_all(&[(link.clone(), b"second\n".to_vec())]).unwrap();
    assert_eq!(names(&base), ["link", "log"]);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let same = open.metadata().unwrap();
    use std::os::unix::fs::MetadataExt as _;
    assert_eq!(same.ino(), fs::metadata(&path).unwrap().ino());
    assert_eq!(fs::read(&path).unwrap(), b"first\nsecond\n");
    fs::remove_dir_all(base).unwrap();
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_told() {
    // A folder that is no folder stands for every error of the system.
    let error = write_all(&[(PathBuf::from("/dev/null/a.csv"), vec![1])]).unwrap_err();
    assert_eq!(error.code, "I15");
    assert_eq!(error.path, "/dev/null/a.csv");
}

/// One that fails takes its folders away, and another needs them at that moment.
#[test]
fn folders_that_others_take_away() {
    let base = folder("contest");
    let stages = |name: &str| {
        let files = [(base.join("out").join(name).join("t.csv"), b"1\n".to_vec())];
        for _ in 0..2_000 {
            stage(&files).expect("the folder is made");
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| stages("alice"));
        scope.spawn(|| stages("bob"));
    });
    fs::remove_dir_all(base).unwrap();
}

/// A named pipe, `pipe` of this folder, and what goes into it behind `a.csv`: more than it holds.
#[cfg(unix)]
fn piped(base: &Path) -> [(PathBuf, Vec<u8>); 2] {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let pipe = base.join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let contents = (0..1_000_000u32).flat_map(u32::to_le_bytes).collect();
    [(base.join("a.csv"), b"1\n".to_vec()), (pipe, contents)]
}

/// Somebody who opens a pipe and takes nothing.
#[cfg(unix)]
fn idle(pipe: &Path) -> File {
    use std::os::unix::fs::OpenOptionsExt as _;
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags).open(pipe).unwrap()
}

#[cfg(unix)]
fn briefly() -> Patience {
    Patience {
        limit: std::time::Duration::from_millis(40),
        ..Patience::default()
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_that_nobody_reads() {
    let base = folder("unread");
    let files = piped(&base);
    let error = super::stage(&files, briefly()).unwrap_err();
    assert_eq!(
        (error.code, &error.path),
        ("I15", &files[1].0.display().to_string())
    );
    assert!(
        error.message.contains("nobody read this pipe for 40ms"),
        "{error}"
    );
    assert_eq!(names(&base), ["pipe"]);
    // Where files are only looked at, nobody is waited for.
    super::writable(&files[1].0).unwrap();
    fs::remove_dir_all(base).unwrap();
}

#[cfg(unix)]
#[test]
fn a_pipe_whose_reader_stops() {
    let base = folder("idle");
    let files = piped(&base);
    let _reader = idle(&files[1].0);
    let staged = super::stage(&files, briefly()).unwrap();
    let error = staged.commit().unwrap_err();
    assert!(
        error.message.contains("its reader took nothing for 40ms"),
        "{error}"
    );
    assert_eq!(names(&base), ["pipe"]);
    // Whoever asks for an end does not wait for the limit.
    let patience = Patience {
        given_up: || true,
        limit: std::time::Duration::MAX,
    };
    let error = super::write_all(&files, patience).unwrap_err();
    assert!(error.message.contains("interrupted while"), "{error}");
    assert_eq!(names(&base), ["pipe"]);
    fs::remove_dir_all(base).unwrap();
}

#[cfg(unix)]
#[test]
fn a_pipe_whose_reader_comes() {
    let base = folder("read");
    let files = piped(&base);
    let read = std::thread::scope(|scope| {
        let reader = scope.spawn(|| fs::read(&files[1].0).unwrap());
        write_all(&files).unwrap();
        reader.join().unwrap()
    });
    assert!(read == files[1].1);
    assert_eq!(names(&base), ["a.csv", "pipe"]);
    fs::remove_dir_all(base).unwrap();
}

/// One of them would be lost, and nobody told.
#[cfg(unix)]
#[test]
fn two_links_to_one_file() {
    use std::os::unix::fs::symlink;
    let base = folder("one");
    fs::create_dir(base.join("far")).unwrap();
    symlink("far/x", base.join("a.csv")).unwrap();
    symlink("far/x", base.join("b.csv")).unwrap();
    symlink("far", base.join("near")).unwrap();
    let one = |pair: [&str; 2]| {
        let files = pair.map(|name| (base.join(name), name.into()));
        let error = write_all(&files).unwrap_err();
        assert_eq!(
            (error.code, &error.path),
            ("I15", &files[1].0.display().to_string())
        );
        assert!(error.message.contains(pair[0]), "{error}");
        assert!(names(&base.join("far")).is_empty());
    };
    one(["a.csv", "b.csv"]);
    one(["near/y", "far/y"]);
    one(["far/x", "a.csv"]);
    // Two names of a file become two files, and a device takes both.
    fs::write(base.join("c.csv"), "old").unwrap();
    fs::hard_link(base.join("c.csv"), base.join("d.csv")).unwrap();
    let files = ["c.csv", "d.csv"].map(|name| (base.join(name), name.into()));
    write_all(&files).unwrap();
    assert_eq!(fs::read(base.join("c.csv")).unwrap(), b"c.csv");
    assert_eq!(fs::read(base.join("d.csv")).unwrap(), b"d.csv");
    for name in ["n.csv", "o.csv"] {
        symlink("/dev/null", base.join(name)).unwrap();
    }
    write_all(&["n.csv", "o.csv"].map(|name| (base.join(name), name.into()))).unwrap();
    fs::remove_dir_all(base).unwrap();
}
