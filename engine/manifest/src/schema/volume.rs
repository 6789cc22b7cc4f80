//! The fields of volumes and of what they are filled from.
//!
//! Source: k8s.io/api 0.37, core/v1 and apps/v1.

use crate::schema::Field::{self, Optional, Required};
use crate::schema::Schema::{Bool, List, Map, Object, OneOf, Quantity, String};
use crate::schema::metadata::{LABEL_SELECTOR, OBJECT_META};
use crate::schema::pod::LOCAL_OBJECT_REFERENCE;
use crate::schema::{COUNT, INT32, INT64, LONG_COUNT};

pub(super) const VOLUME: &[Field] = &[
    Optional(
        "awsElasticBlockStore",
        Object(AWS_ELASTIC_BLOCK_STORE_VOLUME_SOURCE),
    ),
    Optional("azureDisk", Object(AZURE_DISK_VOLUME_SOURCE)),
    Optional("azureFile", Object(AZURE_FILE_VOLUME_SOURCE)),
    Optional("cephfs", Object(CEPH_FS_VOLUME_SOURCE)),
    Optional("cinder", Object(CINDER_VOLUME_SOURCE)),
    Optional("configMap", Object(CONFIG_MAP_VOLUME_SOURCE)),
    Optional("csi", Object(CSI_VOLUME_SOURCE)),
    Optional("downwardAPI", Object(DOWNWARD_API_VOLUME_SOURCE)),
    Optional("emptyDir", Object(EMPTY_DIR_VOLUME_SOURCE)),
    Optional("ephemeral", Object(EPHEMERAL_VOLUME_SOURCE)),
    Optional("fc", Object(FC_VOLUME_SOURCE)),
    Optional("flexVolume", Object(FLEX_VOLUME_SOURCE)),
    Optional("flocker", Object(FLOCKER_VOLUME_SOURCE)),
    Optional(
        "gcePersistentDisk",
        Object(GCE_PERSISTENT_DISK_VOLUME_SOURCE),
    ),
    Optional("gitRepo", Object(GIT_REPO_VOLUME_SOURCE)),
    Optional("glusterfs", Object(GLUSTERFS_VOLUME_SOURCE)),
    Optional("hostPath", Object(HOST_PATH_VOLUME_SOURCE)),
    Optional("image", Object(IMAGE_VOLUME_SOURCE)),
    Optional("iscsi", Object(ISCSI_VOLUME_SOURCE)),
    Required("name", String),
    Optional("nfs", Object(NFS_VOLUME_SOURCE)),
    Optional(
        "persistentVolumeClaim",
        Object(PERSISTENT_VOLUME_CLAIM_VOLUME_SOURCE),
    ),
    Optional(
        "photonPersistentDisk",
        Object(PHOTON_PERSISTENT_DISK_VOLUME_SOURCE),
    ),
    Optional("portworxVolume", Object(PORTWORX_VOLUME_SOURCE)),
    Optional("projected", Object(PROJECTED_VOLUME_SOURCE)),
    Optional("quobyte", Object(QUOBYTE_VOLUME_SOURCE)),
    Optional("rbd", Object(RBD_VOLUME_SOURCE)),
    Optional("scaleIO", Object(SCALE_IO_VOLUME_SOURCE)),
    Optional("secret", Object(SECRET_VOLUME_SOURCE)),
    Optional("storageos", Object(STORAGE_OS_VOLUME_SOURCE)),
    Optional("vsphereVolume", Object(VSPHERE_VIRTUAL_DISK_VOLUME_SOURCE)),
];

pub(super) const AWS_ELASTIC_BLOCK_STORE_VOLUME_SOURCE: &[Field] = &[
    Optional("fsType", String),
    Optional("partition", COUNT),
    Optional("readOnly", Bool),
    Required("volumeID", String),
];

pub(super) const AZURE_DISK_VOLUME_SOURCE: &[Field] = &[
    Optional("cachingMode", String),
    Required("diskName", String),
    Required("diskURI", String),
    Optional("fsType", String),
    Optional("kind", String),
    Optional("readOnly", Bool),
];

pub(super) const AZURE_FILE_VOLUME_SOURCE: &[Field] = &[
    Optional("readOnly", Bool),
    Required("secretName", String),
    Required("shareName", String),
];

pub(super) const CEPH_FS_VOLUME_SOURCE: &[Field] = &[
    Required("monitors", List(&String)),
    Optional("path", String),
    Optional("readOnly", Bool),
    Optional("secretFile", String),
    Optional("secretRef", Object(LOCAL_OBJECT_REFERENCE)),
    Optional("user", String),
];

pub(super) const CINDER_VOLUME_SOURCE: &[Field] = &[
    Optional("fsType", String),
    Optional("readOnly", Bool),
    Optional("secretRef", Object(LOCAL_OBJECT_REFERENCE)),
    Required("volumeID", String),
];

pub(super) const CONFIG_MAP_VOLUME_SOURCE: &[Field] = &[
    Optional("defaultMode", INT32),
    Optional("defaultUser", INT64),
    Optional("items", List(&Object(KEY_TO_PATH))),
    Optional("name", String),
    Optional("optional", Bool),
];

pub(super) const KEY_TO_PATH: &[Field] = &[
    Required("key", String),
    Optional("mode", INT32),
    Required("path", String),
    Optional("user", INT64),
];

pub(super) const CSI_VOLUME_SOURCE: &[Field] = &[
    Required("driver", String),
    Optional("fsType", String),
    Optional("nodePublishSecretRef", Object(LOCAL_OBJECT_REFERENCE)),
    Optional("readOnly", Bool),
    Optional("volumeAttributes", Map(&String)),
];

pub(super) const DOWNWARD_API_VOLUME_SOURCE: &[Field] = &[
    Optional("defaultMode", INT32),
    Optional("defaultUser", INT64),
    Optional("items", List(&Object(DOWNWARD_API_VOLUME_FILE))),
];

pub(super) const DOWNWARD_API_VOLUME_FILE: &[Field] = &[
    Optional("fieldRef", Object(OBJECT_FIELD_SELECTOR)),
    Optional("mode", INT32),
    Required("path", String),
    Optional("resourceFieldRef", Object(RESOURCE_FIELD_SELECTOR)),
    Optional("user", INT64),
];

pub(super) const OBJECT_FIELD_SELECTOR: &[Field] = &[
    Optional("apiVersion", String),
    Required("fieldPath", String),
];

pub(super) const RESOURCE_FIELD_SELECTOR: &[Field] = &[
    Optional("containerName", String),
    Optional("divisor", Quantity),
    Required("resource", String),
];

pub(super) const EMPTY_DIR_VOLUME_SOURCE: &[Field] = &[
    Optional("medium", String),
    Optional("mode", INT32),
    Optional("sizeLimit", Quantity),
];

pub(super) const EPHEMERAL_VOLUME_SOURCE: &[Field] = &[Optional(
    "volumeClaimTemplate",
    Object(PERSISTENT_VOLUME_CLAIM_TEMPLATE),
)];

pub(super) const PERSISTENT_VOLUME_CLAIM_TEMPLATE: &[Field] = &[
    Optional("metadata", Object(OBJECT_META)),
    Required("spec", Object(PERSISTENT_VOLUME_CLAIM_SPEC)),
];

pub(super) const PERSISTENT_VOLUME_CLAIM_SPEC: &[Field] = &[
    Optional(
        "accessModes",
        List(&OneOf(&[
            "ReadWriteOnce",
            "ReadOnlyMany",
            "ReadWriteMany",
            "ReadWriteOncePod",
        ])),
    ),
    Optional("dataSource", Object(TYPED_LOCAL_OBJECT_REFERENCE)),
    Optional("dataSourceRef", Object(TYPED_OBJECT_REFERENCE)),
    Optional("resources", Object(VOLUME_RESOURCE_REQUIREMENTS)),
    Optional("selector", Object(LABEL_SELECTOR)),
    Optional("storageClassName", String),
    Optional("volumeAttributesClassName", String),
    Optional("volumeMode", OneOf(&["Block", "Filesystem"])),
    Optional("volumeName", String),
];

pub(super) const TYPED_LOCAL_OBJECT_REFERENCE: &[Field] = &[
    Optional("apiGroup", String),
    Required("kind", String),
    Required("name", String),
];

pub(super) const TYPED_OBJECT_REFERENCE: &[Field] = &[
    Optional("apiGroup", String),
    Required("kind", String),
    Required("name", String),
    Optional("namespace", String),
];

pub(super) const VOLUME_RESOURCE_REQUIREMENTS: &[Field] = &[
    Optional("limits", Map(&Quantity)),
    Optional("requests", Map(&Quantity)),
];

pub(super) const FC_VOLUME_SOURCE: &[Field] = &[
    Optional("fsType", String),
    Optional("lun", INT32),
    Optional("readOnly", Bool),
    Optional("targetWWNs", List(&String)),
    Optional("wwids", List(&String)),
];

pub(super) const FLEX_VOLUME_SOURCE: &[Field] = &[
    Required("driver", String),
    Optional("fsType", String),
    Optional("options", Map(&String)),
    Optional("readOnly", Bool),
    Optional("secretRef", Object(LOCAL_OBJECT_REFERENCE)),
];

pub(super) const FLOCKER_VOLUME_SOURCE: &[Field] = &[
    Optional("datasetName", String),
    Optional("datasetUUID", String),
];

pub(super) const GCE_PERSISTENT_DISK_VOLUME_SOURCE: &[Field] = &[
    Optional("fsType", String),
    Optional("partition", COUNT),
    Required("pdName", String),
    Optional("readOnly", Bool),
];

pub(super) const GIT_REPO_VOLUME_SOURCE: &[Field] = &[
    Optional("directory", String),
    Required("repository", String),
    Optional("revision", String),
];

pub(super) const GLUSTERFS_VOLUME_SOURCE: &[Field] = &[
    Required("endpoints", String),
    Required("path", String),
    Optional("readOnly", Bool),
];

pub(super) const HOST_PATH_VOLUME_SOURCE: &[Field] =
    &[Required("path", String), Optional("type", String)];

pub(super) const IMAGE_VOLUME_SOURCE: &[Field] = &[
    Optional("pullPolicy", OneOf(&["Always", "Never", "IfNotPresent"])),
    Optional("reference", String),
];

pub(super) const ISCSI_VOLUME_SOURCE: &[Field] = &[
    Optional("chapAuthDiscovery", Bool),
    Optional("chapAuthSession", Bool),
    Optional("fsType", String),
    Optional("initiatorName", String),
    Required("iqn", String),
    Optional("iscsiInterface", String),
    Optional("lun", INT32),
    Optional("portals", List(&String)),
    Optional("readOnly", Bool),
    Optional("secretRef", Object(LOCAL_OBJECT_REFERENCE)),
    Required("targetPortal", String),
];

pub(super) const NFS_VOLUME_SOURCE: &[Field] = &[
    Required("path", String),
    Optional("readOnly", Bool),
    Required("server", String),
];

pub(super) const PERSISTENT_VOLUME_CLAIM_VOLUME_SOURCE: &[Field] =
    &[Required("claimName", String), Optional("readOnly", Bool)];

pub(super) const PHOTON_PERSISTENT_DISK_VOLUME_SOURCE: &[Field] =
    &[Optional("fsType", String), Required("pdID", String)];

pub(super) const PORTWORX_VOLUME_SOURCE: &[Field] = &[
    Optional("fsType", String),
    Optional("readOnly", Bool),
    Required("volumeID", String),
];

pub(super) const PROJECTED_VOLUME_SOURCE: &[Field] = &[
    Optional("defaultMode", INT32),
    Optional("defaultUser", INT64),
    Optional("sources", List(&Object(VOLUME_PROJECTION))),
];

pub(super) const VOLUME_PROJECTION: &[Field] = &[
    Optional(
        "clusterTrustBundle",
        Object(CLUSTER_TRUST_BUNDLE_PROJECTION),
    ),
    Optional("configMap", Object(CONFIG_MAP_PROJECTION)),
    Optional("downwardAPI", Object(DOWNWARD_API_PROJECTION)),
    Optional("podCertificate", Object(POD_CERTIFICATE_PROJECTION)),
    Optional("secret", Object(SECRET_PROJECTION)),
    Optional(
        "serviceAccountToken",
        Object(SERVICE_ACCOUNT_TOKEN_PROJECTION),
    ),
];

pub(super) const CLUSTER_TRUST_BUNDLE_PROJECTION: &[Field] = &[
    Optional("labelSelector", Object(LABEL_SELECTOR)),
    Optional("name", String),
    Optional("optional", Bool),
    Required("path", String),
    Optional("signerName", String),
    Optional("user", INT64),
];

pub(super) const CONFIG_MAP_PROJECTION: &[Field] = &[
    Optional("items", List(&Object(KEY_TO_PATH))),
    Optional("name", String),
    Optional("optional", Bool),
];

pub(super) const DOWNWARD_API_PROJECTION: &[Field] =
    &[Optional("items", List(&Object(DOWNWARD_API_VOLUME_FILE)))];

pub(super) const POD_CERTIFICATE_PROJECTION: &[Field] = &[
    Optional("certificateChainPath", String),
    Optional("credentialBundlePath", String),
    Optional("keyPath", String),
    Optional("keyType", String),
    Optional("maxExpirationSeconds", INT32),
    Optional("signerName", String),
    Optional("user", INT64),
    Optional("userAnnotations", Map(&String)),
];

pub(super) const SECRET_PROJECTION: &[Field] = &[
    Optional("items", List(&Object(KEY_TO_PATH))),
    Optional("name", String),
    Optional("optional", Bool),
];

pub(super) const SERVICE_ACCOUNT_TOKEN_PROJECTION: &[Field] = &[
    Optional("audience", String),
    Optional("expirationSeconds", LONG_COUNT),
    Required("path", String),
    Optional("user", INT64),
];

pub(super) const QUOBYTE_VOLUME_SOURCE: &[Field] = &[
    Optional("group", String),
    Optional("readOnly", Bool),
    Required("registry", String),
    Optional("tenant", String),
    Optional("user", String),
    Required("volume", String),
];

pub(super) const RBD_VOLUME_SOURCE: &[Field] = &[
    Optional("fsType", String),
    Required("image", String),
    Optional("keyring", String),
    Required("monitors", List(&String)),
    Optional("pool", String),
    Optional("readOnly", Bool),
    Optional("secretRef", Object(LOCAL_OBJECT_REFERENCE)),
    Optional("user", String),
];

pub(super) const SCALE_IO_VOLUME_SOURCE: &[Field] = &[
    Optional("fsType", String),
    Required("gateway", String),
    Optional("protectionDomain", String),
    Optional("readOnly", Bool),
    Required("secretRef", Object(LOCAL_OBJECT_REFERENCE)),
    Optional("sslEnabled", Bool),
    Optional("storageMode", String),
    Optional("storagePool", String),
    Required("system", String),
    Optional("volumeName", String),
];

pub(super) const SECRET_VOLUME_SOURCE: &[Field] = &[
    Optional("defaultMode", INT32),
    Optional("defaultUser", INT64),
    Optional("items", List(&Object(KEY_TO_PATH))),
    Optional("optional", Bool),
    Optional("secretName", String),
];

pub(super) const STORAGE_OS_VOLUME_SOURCE: &[Field] = &[
    Optional("fsType", String),
    Optional("readOnly", Bool),
    Optional("secretRef", Object(LOCAL_OBJECT_REFERENCE)),
    Optional("volumeName", String),
    Optional("volumeNamespace", String),
];

pub(super) const VSPHERE_VIRTUAL_DISK_VOLUME_SOURCE: &[Field] = &[
    Optional("fsType", String),
    Optional("storagePolicyID", String),
    Optional("storagePolicyName", String),
    Required("volumePath", String),
];
