//! The cards as NVIDIA's management library (NVML) tells them.
//!
//! A [`Driver`] holds the library; an [`NvmlReader`] borrows it and keeps one event set open for each
//! card, so that an XID that comes between two snapshots is not missed, and so that a card whose
//! registration fails does not take the others' events with it.

mod card;
mod events;
mod gather;

use std::path::{Path, PathBuf};

use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;
use quorate_health::Release;

use super::{Card, GpuReader, ReaderError, Reading, Tried, XidSeen, release};
use card::CardHandle;

/// Where the driver's library is looked for, in this order: by name, as the system's loader finds it,
/// then where packages, containers and virtual machines put it.
const LIBRARIES: [&str; 6] = [
    "libnvidia-ml.so.1",
    "libnvidia-ml.so",
    "/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1",
    "/usr/lib64/libnvidia-ml.so.1",
    "/run/nvidia/driver/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1",
    "/usr/lib/wsl/lib/libnvidia-ml.so.1",
];

/// The driver's library, loaded and initialised; released when dropped.
#[derive(Debug)]
pub struct Driver {
    nvml: Nvml,
    library: PathBuf,
}

impl Driver {
    /// Loads the library at `path`, or the first that is found.
    ///
    /// # Errors
    /// [`ReaderError`], naming what was tried and what to do.
    pub fn open(path: Option<&Path>) -> Result<Self, ReaderError> {
        let candidates: Vec<PathBuf> = match path {
            Some(path) => vec![path.to_owned()],
            None => LIBRARIES.iter().map(PathBuf::from).collect(),
        };
        let mut tried = Vec::new();
        for library in candidates {
            match Nvml::builder().lib_path(library.as_os_str()).init() {
                Ok(nvml) => return Ok(Self { nvml, library }),
                Err(NvmlError::LibloadingError(error)) => tried.push(Tried {
                    library,
                    why: error.to_string(),
                }),
                Err(error) => return Err(no_driver(library, &error)),
            }
        }
        Err(ReaderError::NoLibrary { tried })
    }

    /// The library that was loaded.
    #[must_use]
    pub fn library(&self) -> &Path {
        &self.library
    }

    /// A reader of all cards that answer now. Cards that appear later need another reader.
    ///
    /// # Errors
    /// If the driver does not answer, or no card can be read.
    pub fn reader(&self) -> Result<NvmlReader<'_>, ReaderError> {
        let listed = self
            .nvml
            .device_count()
            .map_err(|error| no_driver(self.library.clone(), &error))?;
        let cards: Vec<_> = (0..listed)
            .filter_map(|index| CardHandle::open(&self.nvml, index))
            .collect();
        if cards.is_empty() {
            return Err(ReaderError::NoCards {
                library: self.library.clone(),
                listed,
            });
        }
        let driver = self.nvml.sys_driver_version().unwrap_or_default();
        Ok(NvmlReader {
            cards,
            driver: release(&driver),
        })
    }
}

fn no_driver(library: PathBuf, error: &NvmlError) -> ReaderError {
    let remedy = match error {
        NvmlError::DriverNotLoaded => {
            "load the kernel's module (`modprobe nvidia`) and look into the kernel's log for why it is not loaded"
        }
        NvmlError::LibRmVersionMismatch => {
            "library and kernel module are of different versions: restart the machine after the driver's upgrade"
        }
        NvmlError::NoPermission => {
            "the agent needs to read and write /dev/nvidia*: run it as a user who may"
        }
        NvmlError::FailedToLoadSymbol(_) => {
            "this is no NVML, or one older than the driver that is needed (510)"
        }
        _ => "look at `nvidia-smi` and into the kernel's log for `NVRM`",
    };
    ReaderError::NoDriver {
        library,
        why: error.to_string(),
        remedy,
    }
}

/// Reads all cards of a [`Driver`].
#[derive(Debug)]
pub struct NvmlReader<'driver> {
    cards: Vec<CardHandle<'driver>>,
    driver: Release,
}

impl GpuReader for NvmlReader<'_> {
    fn simulated(&self) -> bool {
        false
    }

    fn driver(&self) -> Release {
        self.driver
    }

    fn cards(&self) -> Vec<Card> {
        self.cards
            .iter()
            .map(|handle| handle.card.clone())
            .collect()
    }

    fn snapshot(&mut self) -> Vec<Reading> {
        self.cards.iter().map(CardHandle::read).collect()
    }

    fn poll_events(&mut self) -> Vec<XidSeen> {
        self.cards.iter().flat_map(CardHandle::poll).collect()
    }
}
