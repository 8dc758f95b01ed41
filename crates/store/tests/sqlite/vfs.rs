//! An SQLite VFS that passes everything on to the default one, and records what was written and
//! when it was synced. Its disk can be full.

#![expect(
    unsafe_code,
    reason = "SQLite's VFS interface is one of C functions and raw pointers"
)]

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::size_of;
use std::ptr;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use rusqlite::ffi;

/// What happened to a file, in the order in which it did.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Write {
        file: String,
        offset: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        file: String,
        size: usize,
    },
    Sync {
        file: String,
    },
    Delete {
        file: String,
    },
}

/// One disk: what was done to the files in its directory.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    steps: Mutex<Vec<Step>>,
    full: Mutex<bool>,
}

static DISKS: LazyLock<Mutex<HashMap<String, Arc<Disk>>>> = LazyLock::new(Mutex::default);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Disk {
    /// The disk of the database at `path`, seen through the VFS named by [`NAME`].
    pub(crate) fn of(path: &std::path::Path) -> Arc<Self> {
        register();
        let path = path.to_str().expect("UTF-8").to_owned();
        Arc::clone(lock(&DISKS).entry(path).or_default())
    }

    /// How many steps were done.
    pub(crate) fn len(&self) -> usize {
        lock(&self.steps).len()
    }

    /// Every step.
    pub(crate) fn steps(&self) -> Vec<Step> {
        lock(&self.steps).clone()
    }

    /// Whether files may grow.
    pub(crate) fn set_full(&self, full: bool) {
        *lock(&self.full) = full;
    }

    fn done(&self, step: Step) {
        lock(&self.steps).push(step);
    }
}

/// The name under which SQLite knows the VFS.
pub(crate) const NAME: &str = "recording";
const NAME_C: &CStr = c"recording";

/// A file: SQLite's part, ours, and behind them the default VFS' own.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    real: *mut ffi::sqlite3_file,
    /// None for files that do not belong to a recorded database.
    record: Option<Box<Record>>,
}

struct Record {
    disk: Arc<Disk>,
    name: String,
}

/// SAFETY: SQLite passes the VFS that was registered, whose `pAppData` is the default VFS.
unsafe fn real_vfs(vfs: *mut ffi::sqlite3_vfs) -> *mut ffi::sqlite3_vfs {
    unsafe { (*vfs).pAppData.cast() }
}

/// SAFETY: SQLite passes files that `open` has made.
unsafe fn real_file(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    unsafe { (*file.cast::<File>()).real }
}

unsafe fn record<'a>(file: *mut ffi::sqlite3_file) -> Option<&'a Record> {
    unsafe { (*file.cast::<File>()).record.as_deref() }
}

/// Calls the default VFS' method of a file.
macro_rules! pass {
    ($file:ident . $method:ident ( $($argument:expr),* )) => {
        unsafe {
            let real = real_file($file);
            match (*(*real).pMethods).$method {
                Some(method) => method(real, $($argument),*),
                None => ffi::SQLITE_ERROR,
            }
        }
    };
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    unsafe {
        let real_vfs = real_vfs(vfs);
        let real = file.cast::<File>().add(1).cast::<ffi::sqlite3_file>();
        let path = if name.is_null() {
            None
        } else {
            CStr::from_ptr(name).to_str().ok()
        };
        let record = path.and_then(|path| {
            let database = path.trim_end_matches("-wal").trim_end_matches("-journal");
            let disk = lock(&DISKS).get(database).cloned()?;
            Some(Box::new(Record {
                disk,
                name: path.to_owned(),
            }))
        });
        let base = ffi::sqlite3_file {
            pMethods: ptr::null(),
        };
        ptr::write(file.cast(), File { base, real, record });
        let opened = (*real_vfs).xOpen.map_or(ffi::SQLITE_ERROR, |open| {
            open(real_vfs, name, real, flags, out_flags)
        });
        if opened == ffi::SQLITE_OK {
            (*file).pMethods = &raw const METHODS;
        } else {
            ptr::drop_in_place(&raw mut (*file.cast::<File>()).record);
        }
        opened
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let closed = pass!(file.xClose());
    unsafe { ptr::drop_in_place(&raw mut (*file.cast::<File>()).record) };
    closed
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    into: *mut c_void,
    bytes: c_int,
    offset: i64,
) -> c_int {
    pass!(file.xRead(into, bytes, offset))
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    bytes: c_int,
    offset: i64,
) -> c_int {
    let record = unsafe { record(file) };
    if record.is_some_and(|record| *lock(&record.disk.full)) {
        return ffi::SQLITE_FULL;
    }
    let written = pass!(file.xWrite(from, bytes, offset));
    if written == ffi::SQLITE_OK
        && let Some(Record { disk, name }) = record
    {
        let bytes = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), bytes as usize) };
        let (file, bytes) = (name.clone(), bytes.to_vec());
        disk.done(Step::Write {
            file,
            offset: offset as usize,
            bytes,
        });
    }
    written
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    let truncated = pass!(file.xTruncate(size));
    if truncated == ffi::SQLITE_OK
        && let Some(Record { disk, name }) = unsafe { record(file) }
    {
        disk.done(Step::Truncate {
            file: name.clone(),
            size: size as usize,
        });
    }
    truncated
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    let synced = pass!(file.xSync(flags));
    if synced == ffi::SQLITE_OK
        && let Some(Record { disk, name }) = unsafe { record(file) }
    {
        disk.done(Step::Sync { file: name.clone() });
    }
    synced
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, size: *mut i64) -> c_int {
    pass!(file.xFileSize(size))
}

unsafe extern "C" fn file_lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    pass!(file.xLock(level))
}

unsafe extern "C" fn file_unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    pass!(file.xUnlock(level))
}

unsafe extern "C" fn check_lock(file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    pass!(file.xCheckReservedLock(out))
}

unsafe extern "C" fn control(
    file: *mut ffi::sqlite3_file,
    what: c_int,
    with: *mut c_void,
) -> c_int {
    pass!(file.xFileControl(what, with))
}

unsafe extern "C" fn sector_size(file: *mut ffi::sqlite3_file) -> c_int {
    pass!(file.xSectorSize())
}

/// Nothing is promised of the disk: neither whole sectors nor order.
unsafe extern "C" fn characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    0
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    region: c_int,
    bytes: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    pass!(file.xShmMap(region, bytes, extend, out))
}

unsafe extern "C" fn shm_lock(
    file: *mut ffi::sqlite3_file,
    offset: c_int,
    locks: c_int,
    flags: c_int,
) -> c_int {
    pass!(file.xShmLock(offset, locks, flags))
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    unsafe {
        let real = real_file(file);
        if let Some(barrier) = (*(*real).pMethods).xShmBarrier {
            barrier(real);
        }
    }
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, delete: c_int) -> c_int {
    pass!(file.xShmUnmap(delete))
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(file_lock),
    xUnlock: Some(file_unlock),
    xCheckReservedLock: Some(check_lock),
    xFileControl: Some(control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

unsafe extern "C" fn delete(vfs: *mut ffi::sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    unsafe {
        let real = real_vfs(vfs);
        let deleted = (*real)
            .xDelete
            .map_or(ffi::SQLITE_ERROR, |delete| delete(real, name, sync));
        if let Ok(path) = CStr::from_ptr(name).to_str() {
            let database = path.trim_end_matches("-wal").trim_end_matches("-journal");
            if let Some(disk) = lock(&DISKS).get(database) {
                disk.done(Step::Delete {
                    file: path.to_owned(),
                });
            }
        }
        deleted
    }
}

/// Registers the VFS once for the process.
fn register() {
    static REGISTERED: LazyLock<()> = LazyLock::new(|| {
        // SAFETY: the default VFS lives as long as the process; the copy of its table is leaked
        // for SQLite to keep, and its other methods get by with the default VFS' own `pAppData`.
        unsafe {
            let default = ffi::sqlite3_vfs_find(ptr::null());
            assert!(!default.is_null());
            let mut vfs = ptr::read(default);
            vfs.zName = NAME_C.as_ptr();
            vfs.pNext = ptr::null_mut();
            vfs.szOsFile += size_of::<File>() as c_int;
            vfs.pAppData = default.cast();
            vfs.xOpen = Some(open);
            vfs.xDelete = Some(delete);
            assert_eq!(
                ffi::sqlite3_vfs_register(Box::into_raw(Box::new(vfs)), 0),
                ffi::SQLITE_OK
            );
        }
    });
    LazyLock::force(&REGISTERED);
}

/// A path as SQLite shows it to the VFS.
pub(crate) fn canonical(path: &std::path::Path) -> std::path::PathBuf {
    let directory = path
        .parent()
        .expect("a directory")
        .canonicalize()
        .expect("there");
    directory.join(path.file_name().expect("a name"))
}
