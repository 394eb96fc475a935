//! A run on a disk that is full, then read-only, then large enough. It mounts a small file system in memory, so it takes
//! the right to do that: `cargo test -p experiments --test full_disk -- --ignored` as root.

#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::runs::{assert_same, config, lines, records, run};
use common::stderr;

/// A small file system in memory, for as long as it lives. None without the right to mount one.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn new(at: &Path, size: &str) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let size = format!("size={size}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at);
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then(|| Self(at.to_owned()))
    }

    fn remount(&self, option: &str) {
        let mut mount = Command::new("mount");
        mount
            .args(["-o", &format!("remount,{option}")])
            .arg(&self.0);
        assert!(mount.status().unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
#[ignore = "needs the right to mount a file system"]
fn a_full_disk_loses_no_finished_cell_and_a_read_only_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    config(folder.path());
    let disk = SmallDisk::new(&folder.path().join("disk"), "64k")
        .expect("mounting a tmpfs takes root and CAP_SYS_ADMIN");
    let whole = ["--cache", "dictionaries", "--out", "whole"];
    assert!(run(folder.path(), &whole).status.success());
    let arguments = ["--cache", "dictionaries", "--resume", "--out", "disk/out"];
    let output = run(folder.path(), &arguments);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("cannot append to disk/out/cells/records.jsonl"),
        "{said}"
    );
    assert!(
        said.contains("No space left on device") && said.contains("--resume"),
        "{said}"
    );
    let out = folder.path().join("disk/out");
    let done = lines(&records(&out));
    assert!(done > 3, "{done}");
    let bytes = fs::read(records(&out)).unwrap();
    assert_eq!(bytes.last(), Some(&b'\n'), "no piece of a record is left");

    disk.remount("ro");
    let output = run(folder.path(), &arguments);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("disk/out") && said.contains("Read-only file system"),
        "{said}"
    );

    disk.remount("rw,size=16m");
    let output = run(folder.path(), &arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains(&format!("{done} of 64 parts are there already")));
    assert_same(&folder.path().join("whole"), &out);
}
