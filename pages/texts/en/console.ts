export const console_ = {
  title: "Console",
  nav: {
    users: "Users",
    roles: "Roles",
    audit: "Audit",
    operations: "Operations",
    analytics: "Analytics",
  },
  navigation: "Main navigation",
};
