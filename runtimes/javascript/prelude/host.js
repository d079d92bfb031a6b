// The functions of the shim (shim/host_table.c). Only the prelude sees them.
export const host = __host;
