package org.simplepush.examples.emulator;

import java.io.PrintStream;
import java.net.URI;
import org.jspecify.annotations.Nullable;
import org.simplepush.client.ConnectionListener.Disconnected;
import org.simplepush.examples.cli.StatusLine;

/** For people: endpoints, a line each, why devices cannot connect, and the summary. */
final class TextOutput implements Output {
  private final PrintStream out;
  private final PrintStream err;
  private final @Nullable StatusLine progress;

  /**
   * @param progress the line that others have to go around, or null
   */
  TextOutput(PrintStream out, PrintStream err, @Nullable StatusLine progress) {
    this.out = out;
    this.err = err;
    this.progress = progress;
  }

  @Override
  public void endpoint(int device, String application, URI endpoint) {
    line(out, "device-" + device + " " + application + " " + endpoint);
  }

  private void line(PrintStream to, String line) {
    synchronized (out) {
      if (progress != null) {
        progress.clear();
      }
      to.println(line);
      to.flush();
    }
  }

  @Override
  public void push(int device, String application, long version) {}

  @Override
  public void connected(int device) {}

  @Override
  public void disconnected(int device, Disconnected event) {}

  @Override
  public void cannotConnect(int device, String reason) {
    line(err, "device-" + device + " is not connected: " + reason);
  }

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
