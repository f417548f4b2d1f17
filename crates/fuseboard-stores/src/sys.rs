//! What is asked of the operating system and is not the same everywhere. Linux is the first-class home.

use std::io;
use std::path::Path;

use nix::fcntl::AT_FDCWD;
use nix::sys::stat::{FchmodatFlags, Mode, fchmodat};

/// The user that this process acts as.
pub(crate) fn user() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// The flag that makes opening a symbolic link fail.
pub(crate) const NO_FOLLOW: i32 = nix::fcntl::OFlag::O_NOFOLLOW.bits();

/// Changes the mode of a file or folder; that of what a link leads to is left alone.
pub(crate) fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    let mode = Mode::from_bits_truncate(mode);
    Ok(fchmodat(AT_FDCWD, path, mode, FchmodatFlags::NoFollowSymlink)?)
}

/// The flag that makes opening a pipe wait for nobody at its other end.
pub(crate) const NO_WAIT: i32 = nix::fcntl::OFlag::O_NONBLOCK.bits();

/// What kind of network file system this folder lies on, if it certainly is one.
#[cfg(target_os = "linux")]
pub(crate) fn network_file_system(folder: &Path) -> Option<&'static str> {
    network_kind(nix::sys::statfs::statfs(folder).ok()?.filesystem_type().0.into())
}

/// By the numbers of `<linux/magic.h>`; nix names only some of them.
#[cfg(target_os = "linux")]
fn network_kind(number: i128) -> Option<&'static str> {
    match number {
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_told_from_those_of_this_machine() {
        for (number, kind) in
            [(0x6969, "NFS"), (0xff53_4d42, "SMB"), (0xfe53_4d42, "SMB"), (0x517b, "SMB"), (0x0102_1997, "9P")]
        {
            assert_eq!(network_kind(number), Some(kind));
        }
        // ext4, XFS, Btrfs, tmpfs, overlay, ZFS, F2FS.
        for number in [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630, 0x2fc1_2fc1, 0xf2f5_2010] {
            assert_eq!(network_kind(number), None);
        }
        assert_eq!(network_file_system(&std::env::temp_dir()), None, "the tests' folder lies on this machine");
    }
}
