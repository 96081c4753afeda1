//! The kernels, a file each, named after the project and the pull request that mended the bug.

mod cockroach_2448;
mod cockroach_24808;
mod cockroach_25456;
mod cockroach_35073;
mod cockroach_35931;
mod etcd_6857;
mod grpc_1275;
mod grpc_1424;
mod grpc_660;
mod istio_17860;
mod kubernetes_38669;
mod kubernetes_5316;
mod kubernetes_70277;
mod moby_21233;
mod moby_33293;
mod moby_4395;
mod syncthing_5795;

use crate::Kernel;

/// Those whose only means are channels, as the literature compares tools by.
pub const LISTED: &[Kernel] = &[
    cockroach_2448::KERNEL,
    cockroach_24808::KERNEL,
    cockroach_25456::KERNEL,
    cockroach_35073::KERNEL,
    cockroach_35931::KERNEL,
    etcd_6857::KERNEL,
    grpc_660::KERNEL,
    grpc_1275::KERNEL,
    grpc_1424::KERNEL,
    istio_17860::KERNEL,
    kubernetes_5316::KERNEL,
    kubernetes_38669::KERNEL,
    kubernetes_70277::KERNEL,
    moby_4395::KERNEL,
    moby_21233::KERNEL,
    moby_33293::KERNEL,
    syncthing_5795::KERNEL,
];

/// Those in which locks, contexts and timers take part.
pub const OTHERS: &[Kernel] = &[];
