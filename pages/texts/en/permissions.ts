import { PERMISSIONS, type Permission } from "../../../src/access/permissions.ts";

/** What each permission of Roster allows. */
export const permissions: Readonly<Record<Permission, string>> = PERMISSIONS;
