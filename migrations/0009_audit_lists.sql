-- Events by action, and those of people on themselves apart from those of others on them.
DROP INDEX `audit_events_target`;--> statement-breakpoint
CREATE INDEX `audit_events_action` ON `audit_events` (`action`,`id`) WHERE action <> 'auth.login_succeeded' AND action <> 'auth.login_failed' AND action <> 'session.revoked' AND action <> 'user.created' AND action <> 'user.updated' AND action <> 'user.deleted' AND action <> 'user.role_changed' AND action <> 'role.created';--> statement-breakpoint
CREATE INDEX `audit_events_target` ON `audit_events` (`target_id`,(actor_id IS target_id),`id`);--> statement-breakpoint
-- The administrator holds every permission.
UPDATE `roles` SET `permissions` = (
	SELECT json_group_array(`value` ORDER BY `value`) FROM (SELECT `value` FROM json_each(`roles`.`permissions`) UNION SELECT 'audit:export')
) WHERE `name` = 'admin';
