//! What an expression that has taken over its worker might try. Where the sandbox holds, each ends
//! the process by the filter, but for those of files, which return.
#![expect(
    unsafe_code,
    reason = "a system call by its number has no safe wrapper"
)]

use std::fs::{self, File};
use std::io;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{self, Command};

use rustix::process::{Pid, Signal, getpid, getppid, kill_process};

/// Does what `name` says: one of the names below, or a system call's number.
pub(crate) fn make(name: &str) {
    match name {
        "nothing" => {}
        "open" => refused(&File::open("/etc/passwd")),
        "open itself" => refused(&File::open("/proc/self/environ")),
        "create" => refused(&File::create("longshore-jq-attempt")),
        "list" => refused(&fs::read_dir("/")),
        "look" => refused(&fs::metadata("/etc/passwd")),
        "follow" => refused(&fs::read_link("/proc/self/exe")),
        "tcp" => drop(TcpStream::connect("127.0.0.1:9")),
        "udp" => drop(UdpSocket::bind("127.0.0.1:0")),
        "unix" => drop(UnixStream::pair()),
        "exec" => drop(Command::new("/bin/true").exec()),
        "fork" => call(libc::SYS_clone, [0, 0, 0, 0]),
        "thread" => {
            let flags = libc::CLONE_VM | libc::CLONE_SIGHAND | libc::CLONE_THREAD;
            call(libc::SYS_clone, [flags.into(), 0, 0, 0]);
        }
        "kill parent" => drop(getppid().map(|parent| kill_process(parent, Signal::TERM))),
        "kill init" => drop(Pid::from_raw(1).map(|first| kill_process(first, Signal::TERM))),
        "stop itself" => drop(kill_process(getpid(), Signal::STOP)),
        "read another" => call(libc::SYS_read, [7, 0, 0, 0]),
        "write another" => call(libc::SYS_write, [7, 0, 0, 0]),
        "write the question" => call(libc::SYS_write, [0, 0, 0, 0]),
        "map code" => {
            let (code, anonymous) = (libc::PROT_EXEC, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
            call(libc::SYS_mmap, [0, 4096, code.into(), anonymous.into()]);
        }
        "make code" => call(libc::SYS_mprotect, [0, 0, libc::PROT_EXEC.into(), 0]),
        "abort another" => call(libc::SYS_tgkill, [1, 1, libc::SIGABRT.into(), 0]),
        number => {
            if let Ok(number) = number.parse() {
                call(number, [0; 4]);
            }
        }
    }
}

/// Ends the process where `result` was not refused.
fn refused<T>(result: &io::Result<T>) {
    if result.is_ok() {
        process::exit(1);
    }
}

fn call(number: libc::c_long, [first, second, third, fourth]: [libc::c_long; 4]) {
    // SAFETY: no pointer but null is passed
    unsafe {
        libc::syscall(number, first, second, third, fourth, 0, 0);
    }
}
