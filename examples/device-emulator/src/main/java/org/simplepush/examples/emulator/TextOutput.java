package org.simplepush.examples.emulator;

import java.io.PrintStream;
import java.net.URI;
import org.simplepush.client.ConnectionListener.Disconnected;

/** For people: endpoints, a line each, and the summary. */
final class TextOutput implements Output {
  private final PrintStream out;

  TextOutput(PrintStream out) {
    this.out = out;
  }

  @Override
  public void endpoint(int device, String application, URI endpoint) {
    synchronized (out) {
      out.println("device-" + device + " " + application + " " + endpoint);
      out.flush();
    }
  }

  @Override
  public void push(int device, String application, long version) {}

  @Override
  public void connected(int device) {}

  @Override
  public void disconnected(int device, Disconnected event) {}

  @Override
  public void summary(Summary summary) {
    out.print(summary.text());
    out.flush();
  }

  @Override
  public boolean isBroken() {
    return out.checkError();
  }
}
