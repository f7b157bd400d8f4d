package org.simplepush.examples.quickstart;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.simplepush.client.ApplicationLauncher;
import org.simplepush.client.ApplicationManifest;
import org.simplepush.client.EndpointReplacedHandler;
import org.simplepush.client.PushHandler;
import org.simplepush.client.PushManager;
import org.simplepush.client.PushMessage;
import org.simplepush.client.PushRegisterHandler;
import org.simplepush.client.RegisteredHandler;
import org.simplepush.client.SynchroniseHandler;

/**
 * Runs a program for each message. The application is the command line in the handler of its
 * manifest. The last argument says what happened. Endpoints and versions are in the environment,
 * because every user of the machine can read a command line, and endpoints are secret. A program
 * that ends with an exit code other than 0 is run again later.
 */
final class CommandLineLauncher implements ApplicationLauncher {
  private final Duration patience;

  /**
   * Makes a launcher.
   *
   * @param patience how long a program may run; then it is ended, and run again later
   */
  CommandLineLauncher(Duration patience) {
    this.patience = patience;
  }

  @Override
  public PushHandler launch(PushManager application, ApplicationManifest manifest) {
    return new Program(List.of(manifest.handler().split(" ", -1)));
  }

  private final class Program
      implements PushHandler,
          EndpointReplacedHandler,
          PushRegisterHandler,
          RegisteredHandler,
          SynchroniseHandler {
    private final List<String> command;

    private Program(List<String> command) {
      this.command = command;
    }

    @Override
    public void onPush(PushMessage message) throws Exception {
      run(
          "push",
          Map.of(
              "PUSH_ENDPOINT", message.endpoint().toString(),
              "PUSH_VERSION", String.valueOf(message.version())));
    }

    @Override
    public void onPushRegister() throws Exception {
      run("push-register", Map.of());
    }

    @Override
    public void onSynchronise() throws Exception {
      run("synchronise", Map.of());
    }

    @Override
    public void onRegistered(String tag, URI endpoint) throws Exception {
      run("registered", Map.of("PUSH_TAG", tag, "PUSH_ENDPOINT", endpoint.toString()));
    }

    @Override
    public void onEndpointReplaced(URI old, URI endpoint) throws Exception {
      run(
          "endpoint-replaced",
          Map.of("PUSH_OLD_ENDPOINT", old.toString(), "PUSH_ENDPOINT", endpoint.toString()));
    }

    private void run(String what, Map<String, String> environment)
        throws IOException, InterruptedException {
      List<String> line = new ArrayList<>(command);
      line.add(what);
      ProcessBuilder builder = new ProcessBuilder(line).inheritIO();
      builder.environment().putAll(environment);
      Process process = builder.start();
      try {
        if (!process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
          throw new IOException("The program did not end within " + patience);
        }
      } finally {
        process.destroyForcibly();
      }
      if (process.exitValue() != 0) {
        throw new IOException("The program ended with exit code " + process.exitValue());
      }
    }
  }
}
