-- How many of those who registered in a week were active in a later one.
CREATE TABLE `analytics_cohorts` (
	`cohort` integer NOT NULL,
	`week` integer NOT NULL,
	`active_users` integer NOT NULL,
	PRIMARY KEY(`cohort`, `week`)
) WITHOUT ROWID;
--> statement-breakpoint
-- What happened on each day, in numbers.
CREATE TABLE `analytics_days` (
	`day` integer PRIMARY KEY NOT NULL,
	`registrations` integer DEFAULT 0 NOT NULL,
	`logins` integer DEFAULT 0 NOT NULL,
	`failed_logins` integer DEFAULT 0 NOT NULL,
	`deletions` integer DEFAULT 0 NOT NULL,
	`active_users` integer DEFAULT 0 NOT NULL,
	`gaps` text DEFAULT '{}' NOT NULL,
	`cohorts` text
);
--> statement-breakpoint
CREATE TABLE `analytics_progress` (
	`name` text PRIMARY KEY NOT NULL,
	`through` text NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
-- Counting begins now.
INSERT INTO `analytics_progress` (`name`, `through`) SELECT 'audit_events', coalesce(max(`id`), '') FROM `audit_events`;
--> statement-breakpoint
-- Rows live for minutes: cleanup walks the table.
DROP INDEX `login_attempts_expires_at`;--> statement-breakpoint
ALTER TABLE `users` ADD `last_active_day` integer;--> statement-breakpoint
ALTER TABLE `users` ADD `registered_day` integer;--> statement-breakpoint
-- The first activity of a person on a day. Weeks begin on Mondays: day 0 was a Thursday.
CREATE TRIGGER `users_active` AFTER UPDATE OF `last_active_day` ON `users`
WHEN NEW.`last_active_day` > coalesce(OLD.`last_active_day`, -1)
BEGIN
	INSERT INTO `analytics_days` (`day`, `active_users`, `gaps`, `cohorts`) VALUES (
		NEW.`last_active_day`,
		1,
		json_object(CAST(min(30, NEW.`last_active_day` - coalesce(OLD.`last_active_day`, -30)) AS TEXT), 1),
		CASE WHEN NEW.`registered_day` > 0
			AND max(NEW.`registered_day`, coalesce(OLD.`last_active_day`, 0)) < NEW.`last_active_day` - (NEW.`last_active_day` + 3) % 7
			THEN json_object(CAST(NEW.`registered_day` - (NEW.`registered_day` + 3) % 7 AS TEXT), 1) END
	)
	ON CONFLICT (`day`) DO UPDATE SET
		`active_users` = `active_users` + 1,
		`gaps` = json_set(
			`gaps`,
			'$."' || min(30, NEW.`last_active_day` - coalesce(OLD.`last_active_day`, -30)) || '"',
			coalesce(json_extract(`gaps`, '$."' || min(30, NEW.`last_active_day` - coalesce(OLD.`last_active_day`, -30)) || '"'), 0) + 1
		),
		`cohorts` = CASE WHEN excluded.`cohorts` IS NULL THEN `cohorts` ELSE json_set(
			coalesce(`cohorts`, '{}'),
			'$."' || (NEW.`registered_day` - (NEW.`registered_day` + 3) % 7) || '"',
			coalesce(json_extract(`cohorts`, '$."' || (NEW.`registered_day` - (NEW.`registered_day` + 3) % 7) || '"'), 0) + 1
		) END;
END;--> statement-breakpoint
-- An invitation is accepted.
CREATE TRIGGER `users_registered` AFTER UPDATE OF `registered_day` ON `users`
WHEN OLD.`registered_day` = 0 AND NEW.`registered_day` > 0
BEGIN
	INSERT INTO `analytics_days` (`day`, `registrations`) VALUES (NEW.`registered_day`, 1)
	ON CONFLICT (`day`) DO UPDATE SET `registrations` = `registrations` + 1;
END;--> statement-breakpoint
-- The administrator holds every permission.
UPDATE `roles` SET `permissions` = (
	SELECT json_group_array(`value` ORDER BY `value`) FROM (SELECT `value` FROM json_each(`roles`.`permissions`) UNION SELECT 'analytics:read')
) WHERE `name` = 'admin';
