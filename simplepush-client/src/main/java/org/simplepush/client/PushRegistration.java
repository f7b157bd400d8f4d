package org.simplepush.client;

import java.net.URI;
import java.util.OptionalLong;

/**
 * An endpoint of an application.
 *
 * @param endpoint where its application server PUTs new versions; a secret, left out of {@link
 *     #toString()}
 * @param version the last version its handler has taken, if any
 * @since 0.1
 */
public record PushRegistration(URI endpoint, OptionalLong version) {
  /** Leaves the endpoint out. */
  @Override
  public String toString() {
    return "PushRegistration[version=" + (version.isPresent() ? version.getAsLong() : "none") + "]";
  }
}
