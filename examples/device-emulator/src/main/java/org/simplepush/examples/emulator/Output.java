package org.simplepush.examples.emulator;

import java.net.URI;
import org.simplepush.client.ConnectionListener.Disconnected;

/** Prints events and the summary. Called by many threads. */
interface Output {
  /** An application has an endpoint. */
  void endpoint(int device, String application, URI endpoint);

  /** An application was handed a version. */
  void push(int device, String application, long version);

  /** A device has said hello and was answered. */
  void connected(int device);

  /** A device has lost its connection, or could not connect. */
  void disconnected(int device, Disconnected event);

  /** An attempt to connect has failed for a reason that no device met before. */
  void cannotConnect(int device, String reason);

  /** The run is over. */
  void summary(Summary summary);

  /** Returns whether the output is closed. */
  boolean isBroken();
}
