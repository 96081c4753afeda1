//! The kernels, a file each, named after the project and the pull request that mended the bug.

mod cockroach_1055;
mod cockroach_10790;
mod cockroach_13197;
mod cockroach_13755;
mod cockroach_1462;
mod cockroach_18101;
mod cockroach_2448;
mod cockroach_24808;
mod cockroach_25456;
mod cockroach_35073;
mod cockroach_35931;
mod etcd_5509;
mod etcd_6857;
mod etcd_6873;
mod etcd_7443;
mod etcd_7492;
mod etcd_7902;
mod grpc_1275;
mod grpc_1353;
mod grpc_1424;
mod grpc_1460;
mod grpc_1687;
mod grpc_3017;
mod grpc_660;
mod grpc_862;
mod istio_16224;
mod istio_17860;
mod istio_18454;
mod istio_8967;
mod kubernetes_10182;
mod kubernetes_1321;
mod kubernetes_25331;
mod kubernetes_26980;
mod kubernetes_38669;
mod kubernetes_5316;
mod kubernetes_6632;
mod kubernetes_70277;
mod moby_21233;
mod moby_24007;
mod moby_25384;
mod moby_28462;
mod moby_33293;
mod moby_33781;
mod moby_4395;
mod serving_2137;
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
pub const OTHERS: &[Kernel] = &[
    cockroach_1055::KERNEL,
    cockroach_1462::KERNEL,
    cockroach_10790::KERNEL,
    cockroach_13197::KERNEL,
    cockroach_13755::KERNEL,
    cockroach_18101::KERNEL,
    etcd_5509::KERNEL,
    etcd_6873::KERNEL,
    etcd_7443::KERNEL,
    etcd_7492::KERNEL,
    etcd_7902::KERNEL,
    grpc_862::KERNEL,
    grpc_1353::KERNEL,
    grpc_1460::KERNEL,
    grpc_3017::KERNEL,
    istio_16224::KERNEL,
    istio_18454::KERNEL,
    kubernetes_1321::KERNEL,
    kubernetes_6632::KERNEL,
    kubernetes_10182::KERNEL,
    kubernetes_25331::KERNEL,
    kubernetes_26980::KERNEL,
    moby_25384::KERNEL,
    moby_28462::KERNEL,
    moby_33781::KERNEL,
    serving_2137::KERNEL,
];

/// Those of misuse, which in Go do not wait but end the process, or do wait: on nil.
pub const MISUSED: &[Kernel] = &[grpc_1687::KERNEL, istio_8967::KERNEL, moby_24007::KERNEL];
