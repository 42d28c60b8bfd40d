/** The settings of a worker as `wrangler deploy` sees them. */
interface DeployedSettings {
  /** From `[vars]` and `--var`. */
  vars: Readonly<Record<string, unknown>>;
  /** The names of the worker's secrets; undefined if they are not known. */
  secrets: readonly string[] | undefined;
}

/** Says what to set so that production sends email. Undefined if it does, or is told not to with MAIL_TRANSPORT off. */
export function adviseOnMail({ vars, secrets }: DeployedSettings): string | undefined {
  const transport = vars.MAIL_TRANSPORT ?? "cloudflare";
  if (transport === "off" || (vars.ENVIRONMENT ?? "production") !== "production") return undefined;
  const isSet = (name: string) => Boolean(vars[name]) || (secrets?.includes(name) ?? false);
  const missing: string[] = [];
  if (!isSet("MAIL_FROM")) {
    missing.push(
      'MAIL_FROM under the vars of the environment in wrangler.toml: the sender, "Acme <no-reply@acme.example>"',
    );
  }
  if (!isSet("APP_URL") && !isSet("MAIL_LINK_URL")) {
    missing.push("APP_URL, likewise: the public address of the service, for the links in emails");
  }
  if (transport === "http" && secrets && !isSet("MAIL_API_KEY")) {
    missing.push(
      "MAIL_API_KEY, with `npx wrangler secret put MAIL_API_KEY` and the same --env: the provider's key",
    );
  }
  if (missing.length === 0) return undefined;
  return `
Email is not configured: nobody can verify an address or reset a password. Set, and deploy again:
${missing.map((line) => `  ${line}`).join("\n")}
docs/run/deployment.md has a chapter on email. For a service without email, set MAIL_TRANSPORT = "off".`;
}
