//! Where outputs go: every file that a command is asked to write is claimed here before the work.
//!
//! Nothing that this program did not write is ever replaced. A claim is refused for
//!
//! - an input of the command, whatever it is called: files are told apart by device and inode, or
//!   by their canonical path where there are none;
//! - a regular file that does not begin like the files of its [`FileKind`], which only this program
//!   writes; an empty file holds nothing to lose and is replaced;
//! - a file that is marked read-only, a folder, a disk;
//! - the same file claimed twice;
//! - a place that cannot be written.
//!
//! Symbolic links are followed: what they point to is replaced, the link stays. Devices, pipes and
//! standard output are written through.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Write, stderr, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::store::atomic::{self, Staged};
use crate::store::refused::Refused;

/// Bytes at the start of a file that are looked at to tell its kind.
const HEAD_BYTES: u64 = 1 << 16;
/// Links followed before they are taken for a circle, as Linux has it.
const MOST_LINKS: usize = 40;

/// What tells the files of one kind from all that this program did not write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileKind {
    /// What such a file is called in messages.
    pub(crate) name: &'static str,
    /// The first bytes of every such file.
    pub(crate) start: &'static [u8],
    /// Bytes that follow within the first 64 KiB.
    pub(crate) mark: &'static [u8],
}

impl FileKind {
    fn matches(self, head: &[u8]) -> bool {
        let Some(rest) = head.strip_prefix(self.start) else {
            return false;
        };
        let mark = self.mark;
        mark.is_empty() || rest.windows(mark.len()).any(|window| window == mark)
    }

    /// Whether the file at `path`, if there is one, is of this kind or empty.
    fn may_replace(self, path: &Path) -> io::Result<bool> {
        let mut head = Vec::new();
        match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
            file => file?.take(HEAD_BYTES).read_to_end(&mut head)?,
        };
        Ok(head.is_empty() || self.matches(&head))
    }
}

/// Whether there is a regular file of this kind at `path`.
pub(crate) fn is_of_kind(path: &Path, kind: FileKind) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0)
        && kind.may_replace(path).unwrap_or(false)
}

/// What a file is, whatever its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FileIdentity(#[cfg(unix)] (u64, u64), #[cfg(not(unix))] PathBuf);

impl FileIdentity {
    /// The identity of the file that a path leads to.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn from_path(path: &Path) -> io::Result<Self> {
        #[cfg(unix)]
        return Ok(Self::from_metadata(&fs::metadata(path)?));
        #[cfg(not(unix))]
        return Ok(Self(fs::canonicalize(path)?));
    }

    #[cfg(unix)]
    fn from_metadata(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self((metadata.dev(), metadata.ino()))
    }
}

/// Where a folder is, or would be, whatever it is called.
///
/// # Errors
/// One that cannot be written to or made: the nearest folder that is there must be writable, for in
/// it the others are made.
pub(crate) fn resolve_folder(path: &Path) -> Result<PathBuf> {
    let mut missing = Vec::new();
    let mut nearest = path;
    while fs::metadata(nearest).is_err() {
        let (Some(name), Some(parent)) = (nearest.file_name(), nearest.parent()) else {
            break;
        };
        missing.push(name);
        nearest = parent;
    }
    if nearest.as_os_str().is_empty() {
        nearest = Path::new(".");
    }
    let canonical = fs::canonicalize(nearest)?;
    drop(Staged::new(&canonical.join("writable"), b"")?);
    let names = missing.iter().rev();
    Ok(names.fold(canonical, |path, name| path.join(name)))
}

/// The inputs of a command, and what it has claimed to write.
#[derive(Debug, Default)]
pub(crate) struct Outputs {
    inputs: HashMap<FileIdentity, PathBuf>,
    claimed: HashMap<PathBuf, String>,
}

impl Outputs {
    /// `inputs`: the files that the command reads; those that are missing are left to their reader.
    pub(crate) fn new<P: AsRef<Path>>(inputs: impl IntoIterator<Item = P>) -> Self {
        let inputs = inputs.into_iter().filter_map(|path| {
            let path = path.as_ref().to_owned();
            Some((FileIdentity::from_path(&path).ok()?, path))
        });
        Self {
            inputs: inputs.collect(),
            claimed: HashMap::new(),
        }
    }

    /// Claims the file that `option` names.
    ///
    /// # Errors
    /// [`Refused`] for what must not be replaced; a place that cannot be written.
    pub(crate) fn claim_file(
        &mut self,
        path: &Path,
        option: &str,
        kind: FileKind,
    ) -> Result<OutputFile> {
        let what = format!("{} ({option})", path.display());
        let place = match find_stream(path, &what)? {
            Some(stream) => stream,
            None => Place::File(self.claim_regular(path, &what, kind)?),
        };
        Ok(OutputFile { what, kind, place })
    }

    /// Refuses a path that leads to an input.
    ///
    /// # Errors
    /// [`Refused`], which names both.
    pub(crate) fn check_no_input(&self, path: &Path, what: &str) -> Result<()> {
        let Ok(identity) = FileIdentity::from_path(path) else {
            return Ok(());
        };
        if let Some(input) = self.inputs.get(&identity) {
            bail!(Refused(format!(
                "{what}: is the input {}, which would be lost",
                input.display()
            )));
        }
        Ok(())
    }

    /// Refuses what another claim of the same command has.
    ///
    /// # Errors
    /// [`Refused`], which names both.
    pub(crate) fn check_new_claim(&mut self, path: &Path, what: &str) -> Result<()> {
        match self.claimed.insert(path.to_owned(), what.to_owned()) {
            None => Ok(()),
            Some(other) => bail!(Refused(format!(
                "{what}: is the same as {other}, one would replace the other"
            ))),
        }
    }

    /// Claims a folder to write files into, which is made when there is something to write.
    ///
    /// # Errors
    /// [`Refused`] for what is no folder or claimed already; a place that cannot be written.
    pub(crate) fn claim_folder(&mut self, path: &Path, what: &str) -> Result<()> {
        ensure!(
            path.is_dir() || fs::symlink_metadata(path).is_err(),
            Refused(format!("{what}: is not a folder"))
        );
        let place = resolve_folder(path).with_context(|| format!("cannot write {what}"))?;
        self.check_new_claim(&place, what)
    }

    fn claim_regular(&mut self, path: &Path, what: &str, kind: FileKind) -> Result<PathBuf> {
        self.check_no_input(path, what)?;
        let path = resolve_links(path).with_context(|| format!("cannot write {what}"))?;
        check_replaceable(&path, what, kind)?;
        let name = path.file_name().map(ToOwned::to_owned);
        let (Some(folder), Some(name)) = (path.parent(), name) else {
            bail!(Refused(format!("{what}: does not name a file")));
        };
        let folder = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        };
        ensure!(
            folder.exists(),
            "cannot write {what}: there is no folder {}",
            folder.display()
        );
        let folder = fs::canonicalize(folder).with_context(|| format!("cannot write {what}"))?;
        let path = folder.join(name);
        self.check_new_claim(&path, what)?;
        // Dropped at once: it only has to be possible.
        drop(Staged::new(&path, b"").with_context(|| format!("cannot write {what}"))?);
        Ok(path)
    }
}

/// A claimed output.
#[derive(Debug)]
pub(crate) struct OutputFile {
    /// Path and option, for messages.
    what: String,
    kind: FileKind,
    place: Place,
}

impl OutputFile {
    /// Whether it is standard output, where nothing else may be written then.
    pub(crate) fn is_standard_output(&self) -> bool {
        matches!(self.place, Place::StandardOutput)
    }

    /// Writes the contents: in full or not at all where the output is a regular file.
    ///
    /// # Errors
    /// Those of the file system, and a foreign file that has appeared there since the claim.
    pub(crate) fn write(self, contents: &[u8]) -> Result<()> {
        let what = self.what;
        let through = |mut stream: Box<dyn Write>| {
            stream.write_all(contents)?;
            stream.flush()
        };
        match self.place {
            Place::File(path) => {
                check_replaceable(&path, &what, self.kind)?;
                return atomic::write(&path, contents);
            }
            Place::Device(file) => through(Box::new(file)),
            Place::Stream(path) => OpenOptions::new()
                .append(true)
                .open(path)
                .and_then(|file| through(Box::new(file))),
            Place::StandardOutput => through(Box::new(stdout())),
            Place::StandardError => through(Box::new(stderr())),
        }
        .with_context(|| format!("cannot write {what}"))
    }
}

/// Where an output goes.
enum Place {
    /// A regular file that is replaced, or none yet; no link.
    File(PathBuf),
    /// A device, opened at its claim.
    Device(File),
    /// A pipe, which is opened when there is something to write: opening it waits for a reader.
    Stream(PathBuf),
    StandardOutput,
    StandardError,
}

impl fmt::Debug for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) | Self::Stream(path) => write!(formatter, "{}", path.display()),
            Self::Device(_) => formatter.write_str("device"),
            Self::StandardOutput => formatter.write_str("standard output"),
            Self::StandardError => formatter.write_str("standard error"),
        }
    }
}

/// Refuses a folder, a read-only file and a file of another kind.
fn check_replaceable(path: &Path, what: &str, kind: FileKind) -> Result<()> {
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        metadata => metadata.with_context(|| format!("cannot write {what}"))?,
    };
    ensure!(
        !metadata.is_dir(),
        Refused(format!("{what}: is a folder, not a file"))
    );
    ensure!(
        metadata.is_file(),
        Refused(format!("{what}: is not a regular file"))
    );
    ensure!(
        kind.may_replace(path)
            .with_context(|| format!("{what}: cannot be read to see what it is"))?,
        Refused(format!(
            "{what}: is there already and is not {} that this program wrote, so it is not \
             replaced: give another name, or move it away",
            kind.name
        ))
    );
    ensure!(
        !metadata.permissions().readonly(),
        Refused(format!("{what}: is marked read-only"))
    );
    Ok(())
}

/// The place of an output that is no regular file: a device, a pipe, a standard stream.
fn find_stream(path: &Path, what: &str) -> Result<Option<Place>> {
    if path.as_os_str() == "-" {
        return Ok(Some(Place::StandardOutput));
    }
    let Ok(metadata) = fs::metadata(path) else {
        return Ok(None);
    };
    if let Some(stream) = find_standard_stream(&metadata) {
        return Ok(Some(stream));
    }
    // A file that the shell has opened under this name; a file of its own would not be that one.
    let is_descriptor = ["/dev/fd", "/proc/self/fd"]
        .iter()
        .any(|folder| path.starts_with(folder));
    if metadata.is_file() && !is_descriptor || metadata.is_dir() {
        return Ok(None);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let file_type = metadata.file_type();
        ensure!(
            !file_type.is_block_device(),
            Refused(format!("{what}: is a disk"))
        );
        if file_type.is_char_device() {
            let device = OpenOptions::new().write(true).open(path);
            let device = device.with_context(|| format!("cannot write {what}"))?;
            return Ok(Some(Place::Device(device)));
        }
    }
    Ok(Some(Place::Stream(path.to_owned())))
}

/// Standard output or standard error, if this is what they are redirected to: what they have
/// written must not be replaced or written over.
#[cfg(unix)]
fn find_standard_stream(metadata: &Metadata) -> Option<Place> {
    use std::os::fd::{AsFd, BorrowedFd};
    let identify = |stream: BorrowedFd<'_>| -> io::Result<FileIdentity> {
        let file = File::from(stream.try_clone_to_owned()?);
        Ok(FileIdentity::from_metadata(&file.metadata()?))
    };
    let identity = FileIdentity::from_metadata(metadata);
    if identify(stdout().as_fd()).is_ok_and(|standard| standard == identity) {
        return Some(Place::StandardOutput);
    }
    let is_error = identify(stderr().as_fd()).is_ok_and(|standard| standard == identity);
    is_error.then_some(Place::StandardError)
}

#[cfg(not(unix))]
fn find_standard_stream(_: &Metadata) -> Option<Place> {
    None
}

/// The path that a chain of symbolic links ends at, whether it exists or not.
fn resolve_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            // It is no link, or it is not there.
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: FileKind = FileKind {
        name: "a table",
        start: b"a,b\n",
        mark: b"end",
    };
    const OURS: &[u8] = b"a,b\n1,2\nend\n";

    fn claim(path: &Path) -> Result<OutputFile> {
        Outputs::default().claim_file(path, "--csv", KIND)
    }

    /// The message of a claim that must be refused.
    fn refusal(outputs: &mut Outputs, path: &Path) -> String {
        let error = outputs.claim_file(path, "--csv", KIND).unwrap_err();
        assert!(error.is::<Refused>(), "{error:#}");
        error.to_string()
    }

    #[test]
    fn what_this_program_wrote_is_replaced_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        for before in [None, Some(&b""[..]), Some(OURS)] {
            if let Some(before) = before {
                fs::write(&path, before).unwrap();
            }
            claim(&path).unwrap().write(b"new").unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"new");
        }
        for foreign in [&b"a,b\n1,2\n"[..], b"end", b"\0"] {
            fs::write(&path, foreign).unwrap();
            let message = refusal(&mut Outputs::default(), &path);
            assert!(message.contains("a.csv (--csv)"), "{message}");
            assert_eq!(fs::read(&path).unwrap(), foreign);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_appears_during_the_work_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let output = claim(&path).unwrap();
        fs::write(&path, "precious").unwrap();
        assert!(output.write(OURS).unwrap_err().is::<Refused>());
        assert_eq!(fs::read(&path).unwrap(), b"precious");
    }

    #[test]
    fn an_input_is_known_under_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        fs::write(&path, OURS).unwrap();
        let other = folder.path().join("b.csv");
        fs::hard_link(&path, &other).unwrap();
        let roundabout = folder.path().join("x/../a.csv");
        fs::create_dir(folder.path().join("x")).unwrap();
        let missing = folder.path().join("missing.wav");
        for name in [&path, &other, &roundabout] {
            let message = refusal(&mut Outputs::new([&missing, &path]), name);
            assert!(message.contains("is the input"), "{message}");
        }
    }

    #[test]
    fn a_file_is_claimed_once() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("x")).unwrap();
        let mut outputs = Outputs::default();
        let path = folder.path().join("a.csv");
        outputs.claim_file(&path, "--json", KIND).unwrap();
        let message = refusal(&mut outputs, &folder.path().join("x/../a.csv"));
        assert!(
            message.contains("--json") && message.contains("--csv"),
            "{message}"
        );
    }

    #[test]
    fn places_that_cannot_be_written_are_found_out_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing/a.csv");
        let message = format!("{:#}", claim(&path).unwrap_err());
        assert!(message.contains("there is no folder"), "{message}");
        fs::write(folder.path().join("file"), "").unwrap();
        let below = folder.path().join("file/a.csv");
        assert!(format!("{:#}", claim(&below).unwrap_err()).contains("cannot write"));
        assert!(refusal(&mut Outputs::default(), folder.path()).contains("is a folder"));
        let path = folder.path().join("locked.csv");
        fs::write(&path, OURS).unwrap();
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions).unwrap();
        assert!(refusal(&mut Outputs::default(), &path).contains("read-only"));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_stay() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target.csv");
        for before in [None, Some(OURS)] {
            if let Some(before) = before {
                fs::write(&target, before).unwrap();
            }
            let link = folder.path().join("link.csv");
            let _ = fs::remove_file(&link);
            symlink("target.csv", &link).unwrap();
            claim(&link).unwrap().write(b"new").unwrap();
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!(fs::read(&target).unwrap(), b"new");
        }
        let circle = folder.path().join("circle");
        symlink(&circle, &circle).unwrap();
        assert!(format!("{:#}", claim(&circle).unwrap_err()).contains("too many levels"));
    }
}
