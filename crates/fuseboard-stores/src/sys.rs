//! What is asked of the operating system and is not the same everywhere. Linux is the first-class home.

use std::path::Path;

/// The user that this process acts as.
pub(crate) fn user() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// The flag that makes opening a symbolic link fail.
pub(crate) const NO_FOLLOW: i32 = nix::fcntl::OFlag::O_NOFOLLOW.bits();

/// What kind of network file system this folder lies on, if it certainly is one.
#[cfg(target_os = "linux")]
pub(crate) fn network_file_system(folder: &Path) -> Option<&'static str> {
    // `<linux/magic.h>`; nix names only some of them.
    match nix::sys::statfs::statfs(folder).ok()?.filesystem_type().0 {
        0x6969 => Some("NFS"),
        0x517b | 0xfe53_4d42 | 0xff53_4d42 => Some("SMB"),
        0x0102_1997 => Some("9P"),
        0x5346_414f | 0x6b41_4653 => Some("AFS"),
        0x00c3_6400 => Some("Ceph"),
        0x0bd0_0bd0 => Some("Lustre"),
        _ => None,
    }
}

/// Elsewhere nothing is certain.
#[cfg(not(target_os = "linux"))]
pub(crate) fn network_file_system(_folder: &Path) -> Option<&'static str> {
    None
}
