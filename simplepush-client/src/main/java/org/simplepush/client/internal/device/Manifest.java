package org.simplepush.client.internal.device;

import java.util.Set;

/**
 * What a device knows of an installed application.
 *
 * @param name what people call it
 * @param permissions what it may do, by the names that manifests use
 * @param handler what it is started with; may be empty
 */
public record Manifest(String name, Set<String> permissions, String handler) {
  /** The permission to ask for endpoints. */
  public static final String PUSH = "push";

  public Manifest {
    permissions = Set.copyOf(permissions);
  }

  public boolean mayPush() {
    return permissions.contains(PUSH);
  }
}
