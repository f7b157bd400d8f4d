package org.simplepush.client;

import java.util.Objects;
import java.util.Set;

/**
 * What a device knows of an installed application, after the manifests of Firefox OS.
 *
 * @param name what people call it
 * @param permissions what it may do
 * @param handler what the device's {@link ApplicationLauncher} starts it with, for instance the
 *     name of a class; empty if the launcher does not need it
 * @since 0.1
 */
public record ApplicationManifest(String name, Set<Permission> permissions, String handler) {
  /** What an application may do. */
  public enum Permission {
    /** Ask for endpoints and get messages. */
    PUSH("push"),
    /** Show notifications to the user; for whoever shows them, the device itself does not. */
    DESKTOP_NOTIFICATION("desktop-notification");

    private final String manifestName;

    Permission(String manifestName) {
      this.manifestName = manifestName;
    }

    /** Returns the name used in manifests: "push". */
    public String manifestName() {
      return manifestName;
    }
  }

  /** Copies the permissions. */
  public ApplicationManifest {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(handler, "handler");
    permissions = Set.copyOf(Objects.requireNonNull(permissions, "permissions"));
  }

  /**
   * Returns the manifest of an application that may use push.
   *
   * @param name what people call it
   * @param handler what the launcher starts it with, or empty
   */
  public static ApplicationManifest of(String name, String handler) {
    return new ApplicationManifest(name, Set.of(Permission.PUSH), handler);
  }
}
