//! A run on a disk that is full, then read-only, then large enough. It mounts a small file system
//! in memory, so it takes the right to do that: `cargo test -p experiments --test full_disk --
//! --ignored` as root.

#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::study::{Study, done, records};

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
fn a_full_disk_loses_no_finished_part_and_a_read_only_one_is_named() {
    let study = Study::long_table1();
    let disk = SmallDisk::new(&study.path("disk"), "64k")
        .expect("mounting a tmpfs takes root and CAP_SYS_ADMIN");
    study.succeed(&["--cache", "dictionaries", "--out", "whole"]);
    let arguments = ["--cache", "dictionaries", "--out", "disk/out"];
    let said = study.fail(1, &arguments);
    for part in [
        "cannot append to disk/out/cells/records",
        "No space left on device",
        "the same command goes on",
    ] {
        assert!(said.contains(part), "{said}");
    }
    let out = study.path("disk/out");
    let kept = done(&out);
    assert!(kept > 3, "{kept}");
    let bytes = fs::read(records(&out)).unwrap();
    assert_eq!(bytes.last(), Some(&b'\n'), "no piece of a record is left");

    disk.remount("ro");
    let said = study.fail(1, &arguments);
    for part in ["disk/out", "Read-only file system"] {
        assert!(said.contains(part), "{said}");
    }

    disk.remount("rw,size=16m");
    let said = study.succeed(&arguments);
    let expected = format!("{kept} of {} parts are there already", study.parts);
    assert!(said.contains(&expected), "{said}");
    study.assert_same("whole", "disk/out");
}
