//! What the scenarios are made of.

mod accuser;
mod chart;
mod court;
pub(crate) mod health;
pub(crate) mod logs;
mod network;
mod pages;
mod programs;
mod recorder;
mod turn;
mod view;
mod wait;

pub(crate) use chart::{LONG, brisk, patient, short_epochs};
pub(crate) use court::{Court, Event, Slash};
pub(crate) use network::{Network, Plan};
pub(crate) use pages::{count, metrics, status};
pub(crate) use programs::{Ended, run_to_end};
pub(crate) use recorder::Recorder;
pub(crate) use turn::Turn;
pub(crate) use view::View;
pub(crate) use wait::until;
