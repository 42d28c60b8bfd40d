import { api } from "./api.ts";
import { forgetSession } from "./session.ts";

/** Ends the session at the service and forgets it here, whatever the service answers. */
export async function logOut(): Promise<void> {
  try {
    await api.POST("/v1/auth/logout");
  } finally {
    forgetSession();
  }
}
