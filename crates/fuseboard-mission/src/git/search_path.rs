//! Where programs are looked for that work in a repository.

use std::ffi::OsString;
use std::path::Path;

use super::Git;

impl Git {
    /// `PATH` without the folders that whoever works in the repository could put a program of their own into;
    /// `None` if there is no `PATH`.
    pub fn search_path(&self) -> Option<OsString> {
        let inside = |folder: &Path| {
            let real = folder.canonicalize();
            folder.is_relative()
                || real.is_ok_and(|real| self.guarded.as_ref().is_some_and(|guarded| real.starts_with(guarded)))
        };
        let path = std::env::var_os("PATH")?;
        std::env::join_paths(std::env::split_paths(&path).filter(|folder| !inside(folder))).ok()
    }
}
