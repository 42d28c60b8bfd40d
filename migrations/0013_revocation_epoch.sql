ALTER TABLE `api_keys` ADD `secret_created_at` integer;--> statement-breakpoint
ALTER TABLE `one_time_tokens` ADD `created_at` integer DEFAULT 0 NOT NULL;