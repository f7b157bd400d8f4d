package org.simplepush.client.internal.device;

import java.net.URI;
import org.jspecify.annotations.Nullable;

/**
 * An endpoint that an application knows.
 *
 * @param version the last version that the application has handled; null if there was none
 */
public record KnownEndpoint(URI endpoint, @Nullable Long version) {
  /** Leaves the endpoint out: it is a secret. */
  @Override
  public String toString() {
    return "KnownEndpoint[version=" + version + "]";
  }
}
