-- Codes with which applications finish a login at a provider.
CREATE TABLE `exchange_codes` (
	`id` text PRIMARY KEY NOT NULL,
	`sealed` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `exchange_codes_expires_at` ON `exchange_codes` (`expires_at`);